%% Readings of the heating: a supervisor, a server that keeps readings, and a listener.
-module(meter).
-behaviour(supervisor).
-export([main/0, init/1, keep/1, listen/0, accept/1]).

main() ->
    logger:set_primary_config(level, info),
    logger:update_handler_config(default, formatter, {logger_formatter, #{single_line => true}}),
    process_flag(trap_exit, true),
    {ok, Top} = supervisor:start_link({local, meter_sup}, ?MODULE, []),
    logger:notice("meter is ready"),
    receive {'EXIT', Top, Why} -> logger:error("meter ends: ~p", [Why]), timer:sleep(200), halt(1) end.

init([]) ->
    {ok, {#{strategy => one_for_one, intensity => 4, period => 20},
          [#{id => store, start => {meter_store, start_link, []}},
           #{id => listener, start => {?MODULE, keep, [listen]}}]}}.

keep(What) -> {ok, proc_lib:spawn_link(?MODULE, What, [])}.

listen() ->
    {ok, Socket} = gen_tcp:listen(8500, [binary, {ip, {127,0,0,47}}, {packet, http_bin}, {active, false}, {reuseaddr, true}]),
    accept(Socket).

accept(Socket) ->
    {ok, One} = gen_tcp:accept(Socket),
    Pid = proc_lib:spawn(fun() -> receive go -> answer(One) end end),
    ok = gen_tcp:controlling_process(One, Pid),
    Pid ! go,
    accept(Socket).

answer(One) ->
    {ok, {http_request, _, {abs_path, Path}, _}} = gen_tcp:recv(One, 0, 5000),
    Number = binary_to_integer(lists:last(binary:split(Path, <<"/">>, [global]))),
    Value = gen_server:call(meter_store, {reading, Number}, 3000),
    Text = integer_to_binary(Value),
    ok = inet:setopts(One, [{packet, raw}]),
    gen_tcp:send(One, [<<"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ">>, integer_to_binary(byte_size(Text)), <<"\r\n\r\n">>, Text]),
    gen_tcp:close(One).
