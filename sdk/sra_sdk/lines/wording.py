"""What the words of a line say of its weight, rule by rule. To infer, and the needles to outline.

Facts of failure count in every line that may be believed; words that merely sound bad only in a line
without a level of its own.
"""
from __future__ import annotations

import re
from re import Pattern

from .collector import NEEDLES
from .level import CRITICAL, ERROR, INFO, WARNING

#: What a text must contain for the pattern to be worth a try, as it is and without digits; the pattern, and
#: the level.
Rule = tuple[tuple[str, ...], tuple[str, ...], Pattern[str], str]
DIGITS = b"0123456789"


def _rule(level: str, needles: str, pattern: str) -> Rule:
    known = tuple(needles.split(","))
    faded = tuple(each.encode().translate(None, DIGITS).decode() for each in known)
    return known, faded, re.compile(pattern), level


#: No pattern begins with an assertion such as \b: it would have to be tried at each character.
#: That a program was asked to stop: no failure, and yet what people ask for who see its clients complain.
STOPS = ("sigterm,sigquit,sigwinch,signal,shutdown,stopping ,cumulated conns,asked to stop",
          r"\A(?:stopping .{1,160}\.\.\.\Z|(?:.{0,120}\blog: {1,3})?received (?:fast|smart) shutdown request"
          r"|user requested shutdown|rabbitmq is asked to stop"
          r"|proxy \S{1,100} stopped \(cumulated conns"
          r"|handling signal: (?:term|hup|quit|int|usr2)\b|sigterm[:,]"
          r"|.{0,60}(?:(?:received|got|caught|due to)(?: signal)?:? (?:sigterm|15\b|terminated)"
          r"|sigterm(?:\)| signal)? received|sigquit\) received|sigwinch, shutting down"
          r"|\): normal shutdown|terminating on signal 15|signalled to terminate|catch termination signal"
          r"|killed (?:with |\()signal 15|signal received,? (?:initializing clean )?shut))")
#: That a letter was not taken for the address that it came from: it stands on a list, another says.
REFUSED_FOR_SENDER = (
    " said: ,remote mail server",
    r"(?: said: |remote mail server after [^\n]{1,200}: )[45][0-9]{2}[ -][^\n]{0,400}?"
    r"(?:\b(?:blocked|rejected|listed) (?:using|by|in|on|at) (?:spamhaus|barracuda|[\w-]{1,60}\.[\w.-]{1,99})"
    r"|\b(?:on|in) (?:our|a|the) (?:block|black|deny) ?list|\bbanned sending ip|\bpoor reputation"
    r"|\b(?:black|block)listed\b)")
#: What applications of their own call information, though it is a fact of failure: lines of NATS, Patroni,
#: Go, Elasticsearch, sshd, journald, PostgreSQL, SSSD, Windows and mail servers, and what a service could
#: not write.
TOLD = ("slow consumer detected,ted self because ,ting self because ,a leader (),to [red],ndchild #"
        ",hip or modes,read-only file s,plication worker\" (,suppressed ,http: panic serving "
        ",backend is o,ount failed to log on, said: ,remote mail server",
        REFUSED_FOR_SENDER[1] + r"|\Abackend is (?:offline|(?:now )?online)\.?\Z"
        r"|\Aan account failed to log on\b|"
        r"cannot write \S{1,200}: read-only file system|\Aauthentication refused: bad ownership or modes for "
        r"|\Ahttp: panic serving |\Asuppressed [0-9]{2,} messages from \S{1,200}\Z"
        r"|\Aerror \(grandchild #[0-9]+ failed with exit|\(cron\) error \(grandchild #[0-9]+ failed with exit"
        r"|slow consumer detected:|logical replication worker. \(pid [0-9]+\) exited with exit code [1-9]"
        r"|demot(?:ed|ing) self because |\bfollowing a leader \(\)"
        r"|cluster health status changed from \[\w+\] to \[red\]")
#: Facts of failure, in lower case; the first that is found decides.
FACTS: tuple[Rule, ...] = (
    _rule(CRITICAL, "out of memory,oom,kernel panic,killed process",
          r"out of memory: kill|oom(?<!\woom)[-_ ]kill|invoked oom-killer|oomkilled"
          r"|memory cgroup out of memory"
          r"|kernel panic|killed process [0-9]+ "),
    _rule(CRITICAL, "read-only,no server", r"remounting filesystem read-only|has no server available"),
    _rule(ERROR, "no space left,enospc,exceeded,full",
          r"no space left on device|enospc|disk quota exceeded|(?:disk|filesystem|file system"
          r"|device) is full"),
    _rule(ERROR, "loopbackoff,back-off,pullbackoff,errimage",
          r"crashloopbackoff|back-off restarting failed|imagepullbackoff|errimagepull"),
    _rule(ERROR, "fault,dump", r"segfault at |segmentation fault|core dumped|\(core dump"
          r"|general protection fault"),
    _rule(ERROR,
          "exited,failed with result,repeated too,failed state,fatal state,failed to start,no hostkeys",
          r"main process exited, code=(?:killed|dumped|exited, status=[1-9])|failed with result '"
          r"|start request repeated too quickly|entered f(?:ailed|atal) state|failed to start "
          r"|no hostkeys available"),
    _rule(ERROR, "memory,heap space,bad_alloc", r"outofmemoryerror|cannot allocate memory|java heap space"
          r"|std::bad_alloc"),
    _rule(ERROR, "deadlock,too many open,certificate",
          r"deadlock (?:detected|found)|too many open files|certificate (?:has|is) expired"
          r"|certificate verify failed"),
    _rule(ERROR, "terminated by sig,not expected,properly shut",
          r"terminated by sig(?:nal (?:[46789]|11)\b|segv|abrt|bus|ill\b|kill)|; not expected\)"
          r"|was not properly shut down"),
    _rule(ERROR, " is down, down: ", r"\bserver \S+ is down\b|\Anode \S+@\S+ down: "),
    _rule(ERROR, "could not fork,archive command,processes terminated,obsolete replication",
          r"could not fork new process|archive command failed|all server processes terminated"
          r"|invalidating obsolete replication slot"),
    _rule(ERROR, "fs error,medium error,disk failure,i/o error, dev",
          r"ext[234]-fs error|sense key : medium error|: disk failure on |i/o error, dev "),
    _rule(WARNING, "fail,invalid,attempt,password,denied",
          r"failed password|authentication fail|failed login|login fail|invalid user |failed publickey"
          r"|maximum authentication attempts|too many authentication failures|incorrect password attempt"
          r"|invalid (?:credentials|password)|bad password|access denied for user"),
    _rule(WARNING, "hip or modes", r"\Aauthentication refused: bad ownership or modes for "),
    _rule(ERROR, "read-only file system,work-horse", r"cannot write \S{1,200}: read-only file system"
          r"|work-horse terminated unexpectedly; waitpid returned "),
    _rule(WARNING, "probe failed,throttled,threshold",
          r"(?:readiness|liveness|startup) probe failed|cpu clock throttled|temperature above threshold"),
    _rule(WARNING, "must evict pod", r"must evict pod\(s\) to reclaim"),
    _rule(WARNING, "still waiting,clock wrong,synchronise: no",
          r"\Aprocess [0-9]+ still waiting for |\Asystem clock wrong by "
          r"|\Acan't synchronise: no "),
    # sudo and journald, which may give no level or that of a notice
    _rule(WARNING, "not in sudoers,command not allowed ;",
          r" : (?:user )?not in sudoers ;| : command not allowed ;"),
    _rule(WARNING, "suppressed ,rate-limiting,to authorize user",
          r"\Asuppressed [0-9]{2,} messages from |messages lost due to rate-limiting"
          r"|drop messages due to rate-limiting|failed to authorize user with pam"),
    _rule(WARNING, *STOPS),
    # a balancer's server that comes back, or is taken out: who sees it go must see this, too
    _rule(WARNING, " is up,is going down,now enters,enters drain,in forced",
          r"\A(?:backup )?server [^\s/]{1,100}/\S{1,100} (?:is up\b|is going down|was down and now enters "
          r"|enters |remains in forced )"),
    # .NET's runtime, and SSSD and Asterisk, to whom it is information
    _rule(ERROR, "unhandled exception. ",
          r"\Aunhandled exception\. (?:[a-z]\w{0,60}\.){1,10}\w{1,100}(?:exception|error)\b"),
    _rule(WARNING, "backend is offline", r"\Abackend is offline\.?\Z"),
    # no failure, but its end, for which detection waits
    _rule(WARNING, "is now reachable,end is online,is now online",
          r"\Abackend is (?:now )?online\.?\Z|(?:peer '[^'\n]{0,100}'|endpoint \S{1,200}) is now reachable"),
    _rule(WARNING, "is now unreachable,registration for '",
          r"peer '[^'\n]{0,100}' is now unreachable|(?:endpoint|contact|aor) \S{1,200} is now unreachable"
          r"|\Aregistration for '[^'\n]{0,200}' timed out, trying again"),
    _rule(WARNING, " - wrong password, - no matching , - failed to auth",
          r"\A(?:request '[a-z]{0,20}'|registration) from .{0,300} failed for '[^'\n]{0,100}' "
          r"(?:\(callid: [^)\n]{1,200}\) )?- (?:wrong password|no matching (?:peer|endpoint) found"
          r"|failed to authenticate)"),
    # a letter of ours that others do not take for where it comes from
    _rule(WARNING, *REFUSED_FOR_SENDER),
    # what became of a unit that was to stop, or that failed
    _rule(WARNING, "stopped ,scheduled restart", r"\Astopped [^\s/]{1,200}\.service(?: - .{1,200})?\.?\Z"
          r"|\A[^\s/]{1,200}\.service: scheduled restart job"),
)

#: Words that sound bad, in lower case; they count in lines without a level of their own.
WORDS: tuple[Rule, ...] = (
    _rule(CRITICAL, "panic,fatal error,lockup,oops,bug: ,kernel bug,memory for the java,hardware error]",
          r"panic: (?<!\wpanic: )|fatal error: |thread '[^']*'(?: \([0-9]+\))? panicked|(?:soft|hard) lockup"
          r"|oops: (?<!\woops: )"
          r"|bug: (?<!\wbug: )(?:unable|kernel|soft)|kernel bug at |fatal error has been detected by the java"
          r"|insufficient memory for the java|hardware error\]: (?:.{0,60}uncorrect|cpu [0-9]+: machine)"),
    _rule(ERROR, "terminate called,memory allocation of,java-level,stalls on,detected stall",
          r"terminate called |memory allocation of [0-9]+ bytes failed|found one java-level deadlock"
          r"|detected stalls? on"),
    # what monitors and platforms say of others
    _rule(ERROR, "resource limit,due to memory,memory quota,disk critical",
          r"usage [0-9.]{1,6}% matches resource limit|killed /\S{1,300} due to memory (?:used|pressure)"
          r"|memory quota (?:vastly )?exceeded|disk critical\b"),
    _rule(ERROR, "traceback,exception,uncaught,unhandled,error: ",
          r"traceback \(most recent call last\)|exception in thread|(?:unhandled|uncaught) (?:exception"
          r"|error|promise)"
          r"|\A(?:caused by: )?(?:[\w$]+(?:\.|::)){0,12}[\w$]{0,80}(?:exception|error): "),
    # the second line of an error of Slack's client
    _rule(ERROR, "the server responded with: {", r"\Athe server responded with: \{"),
    # a trace of the JVM whose exception has no message
    _rule(ERROR, "\tat ,\n... (continued)", r"\A(?:[\w$]+\.){1,12}[\w$]{0,80}(?:exception|error)\n"
          r"(?:\tat |\.\.\. \(continued\)\n)"),
    # of a client that went away, whatever follows
    _rule(INFO, "tls handshake error,error reading preface",
          r"http: tls handshake error from |http2: server: error reading preface from client "),
    # how Go passes errors on; its own log package has no levels
    _rule(ERROR, "dial ,rpc error,pq: ,i/o timeout,deadline exceeded,no such host,misbehaving,panic serv"
          ",to verify cert",
          r"(?:\A|: |=)dial (?:tcp|udp|unix)\b.{0,200}: "
          r"|rpc error: code = (?:un(?:available|known)|deadlineexceeded|internal|resourceexhausted|dataloss)"
          r"|(?:\A|: )pq: |: (?:i/o timeout|context deadline exceeded)|\Acontext deadline exceeded"
          r"|: no such host|: server misbehaving|http: panic serving "
          r"|: failed to verify certificate: x509: "),
    _rule(ERROR, ".errors.,.error.,.exceptions.", r"\A(?:\w{1,80}\.){1,8}(?:errors?|exceptions)\.\w{1,80}: "),
    _rule(ERROR, "timeout: ,curl error ", r"\A(?:\w{1,80}\.){1,8}\w{0,80}timeout: "
          r"|\bcurl error [1-9][0-9]?: "),
    _rule(ERROR, "node.js v", r"\nnode\.js v[0-9]"),
    _rule(WARNING, "pam_", r"\Apam_\w+\("),
    _rule(ERROR, "refused,connect,no route,not known,resolution,timed out,broken pipe",
          r"connection refused|could not connect|unable to connect|failed to connect|no route to host"
          r"|name or service not known|temporary failure in name resolution|connection timed out"
          r"|broken pipe\Z"),
    # how Node names what a call ended with; that one who asked has gone (read ECONNRESET) is not among them
    _rule(ERROR, "connect e,getaddrinfo e",
          r"connect e(?:connrefused|timedout|hostunreach|netunreach)\b|getaddrinfo e(?:ai_again|notfound)\b"),
    _rule(ERROR, "i/o error,output error,-fs error,blocked for,hardware error,machine check,corruption"
          ",filesystem,ncorrect",
          r"i/o error|input/output error|-fs error|blocked for more than [0-9]+ seconds|hardware error"
          r"|machine check (?:exception|events logged)|xfs \([^)]*\): .{0,80}corruption"
          r"|shutting down filesystem"
          r"|uncorrect(?:ed|able) (?:\w+ )?error"),
    _rule(ERROR, "pids controller,while loading,table full, ue memory,not responding,cannot open shared",
          r"rejected by pids controller|error while loading shared|table full, dropping"
          r"| [1-9][0-9]* ue memory"
          r"|server \S+ not responding"),
    # no failure, but its end, for which detection waits
    _rule(WARNING, "nfs: server ,lockd: server ", r"(?:nfs|lockd): server \S+ ok\Z"),
    _rule(ERROR, "too many c,connection slots,max number,command not allowed",
          r"too many connections|too many clients already|remaining connection slots|max number of clients"
          r"|command not allowed when used memory"),
    # cron, lighttpd and RQ name no level, nor do errors of Node as its console shows them
    _rule(ERROR, "error]: ,curl: (,ndchild #,all handlers for,: establishing con,raised while exec",
          r"\(cron\) error \(grandchild #"
          r"|\(gw_backend\.c\.[0-9]+\) (?:all handlers for|establishing connection)"
          r"|: exception raised while executing|\Acurl: \([1-9]|\Adomexception \[\w{1,40}error\]: "),
    _rule(ERROR, "error,fatal,err: ,failed ", r"\A {0,2}(?:\S+: ){0,2}(?:error|fatal|err)(?:: |\[)|\A(?:error"
          r"|fatal|failed) |error: (?<!\werror: )"),
    _rule(WARNING, "abnormally,denied,not permitted,link is down,unhealthy",
          r"abnormally|permission denied|operation not permitted|access denied|link is down"
          r"|unhealthy"),
    _rule(WARNING, "syn flooding,netdev watchdog,offline device",
          r"possible syn flooding|netdev watchdog|to offline device"),
    _rule(WARNING, "low on resource,nodes are available,mountvolume.,nodenotready,concurrent dns",
          r"the node was low on resource: |0/[0-9]+ nodes are available: "
          r"|mountvolume\.\w+ failed for volume|nodenotready|maximum number of concurrent dns queries"),
    _rule(CRITICAL, "[emerg],crit: ,.critical: ,.alert: ,.emergency: ", r"\A\w+: \[emerg\] |\Acrit: [\w.]+\["
          r"|\A[\w-]{1,40}\.(?:critical|alert|emergency): "),
    _rule(ERROR, "fail: ,dependency failed,at step,watchdog timeout,failed to start.,memory pressure",
          r"\Afail: [\w.]+\[|dependency failed for |failed at step \w+ spawning |watchdog timeout \(limit"
          r"|failed to start\.|killed \S+ due to memory pressure"),
    _rule(ERROR, "already in use,closing because,queue full,http 503,controller is down,on md device"
          ",vault is sealed,insufficient system",
          r"address already in use|closing because: (?:server login failed|connect failed|server conn|pgboun)"
          r"|request queue full|returning http 503|nvme\w*: controller is down"
          r"|insufficient system storage|\A\W{0,4}vault is sealed\W?\Z"
          r"|(?:fail|degradedarray|devicedisappeared)\w* event detected on md device"),
    _rule(ERROR, "hostbyte=,emask,timeout, aborting,definitely down,is unreachable",
          r"failed result: hostbyte=|: exception emask |nvme\w*: i/o [0-9]+ .{0,40}timeout, aborting"
          r"|link status definitely down"
          # a mail server tries the addresses that the host has no way for, too, and goes on with the next
          r"|\A(?!(?:connect to |[^\n]{0,60}\bh=)\S{1,200} ?\[[0-9a-f]{0,4}:)"
          r"[^\n]{0,1000}network is unreachable"),
    _rule(ERROR, "error occurred (,container killed by yarn",
          r"an error occurred \([a-z]{4,60}\) when calling the |container killed by yarn for exceeding"),
    _rule(WARNING, "low memory!,auth failed,fail login,failed su,not authori",
          r"low memory! at or below|\(auth failed, [0-9]+ attempt|fail login: client|failed su \(to "
          r"|disconnected[,:] not authori[sz]ed"),
    _rule(ERROR, "got signal,got exception,unreadable,failed smart,ldap server",
          r"(?:mysqld|mariadbd) got (?:signal|exception) |currently unreadable \(pending\)|failed smart "
          r"|contact ldap server"),
    _rule(ERROR, "clock skew,contact any kdc,locate kdc,already locked,create/acquire,error status, rc"
          ",is borg,paths: 0,auth_failed", r"clock skew too great|cannot (?:contact any|locate) kdc"
          r"|repository is already locked|failed to create/acquire the lock|with error status, rc 2"
          r"|is borg working on|remaining active paths: 0\b|: auth_failed"),
    _rule(WARNING, "conn error,iscsi connection,ping timeout of,failing path,all paths down,device loss"
          ",failed: h:,failed h:,sense data,link: ,slow consumer,vm warning: ,ping-restart",
          r"connection[0-9]+:[0-9]+: (?:detected conn error|ping timeout of)|kernel reported iscsi connection"
          r"|multipath: \S+ failing path |entered the (?:all paths down|permanent device loss)"
          r"|failed:? h:0x[1-9a-f]|valid sense data: 0x[34]\b|\blink: host: [0-9]+ link: [0-9]+ is down"
          r"|slow consumer detected: |nats: slow consumer|vm warning: "
          r"|inactivity timeout \(--ping-restart\)"),
    _rule(ERROR, "btrfs,will be lost,aborting journal,after probe,failed command,kicking non,not responded",
          r"btrfs:? (?:error|critical) \(device|data will be lost|aborting journal on device"
          r"|removing after probe failure|ata[0-9.]+: failed command: |kicking non-fresh"
          r"|cifs: vfs: .{0,60}has not responded"),
    _rule(WARNING, "csum failed,page allocation", r"csum failed (?:root|ino) "
          r"|page allocation failure: order"),
    _rule(ERROR, "from daemon: ,error (,exception (", r"error response from daemon: "
          r"|\A(?:\w{1,60}::){1,6}\w{0,60}error \("
          r"|\A(?:\w{1,60}\.){1,8}\w{0,60}exception \(0x[0-9a-f]{8}\): "),
    # an exception of Ruby that nobody caught
    _rule(ERROR, "error),exception),timeout),(errno::", r"\A[^\s:]{1,300}:[0-9]{1,7}:in [`'].{1,1000}"
          r"(?:(?:error|exception|timeout)\)|\(errno::)"),
    _rule(WARNING, "warning failed", r"\Awarning failed\w{3,40} \w{2,30}/"),
    # how mail servers and Kerberos' programs, which name no level, say that what was asked is not done
    _rule(WARNING, "back to myself,many hops,forwarding loop,mail loop", r"loops back to myself|too many hops"
          r"|mail forwarding loop for |mail loop detected"),
    _rule(ERROR, "db2 database,failed to respond,exit status,due to errors", r"cannot open db2 database"
          r"|not loaded due to errors"
          r"|all radius servers failed to respond|\bfailed,? (?:with )?exit status [1-9]"),
    _rule(ERROR, "getting initial,key table,integrity check,not found in kerb",
          r"while getting initial credentials|key table entry not found|decrypt integrity check failed"
          r"|not found in kerberos database"),
    # short names of levels, as Serilog, Ceph and GlusterFS write them; and the type of an event of Kubernetes
    _rule(CRITICAL, "ftl]", r"\[(?:[0-9:.]{5,12} )?ftl\]"),
    _rule(ERROR, "err],e [msgid", r"\[(?:[0-9:.]{5,12} )?err\]|\Ae \[msgid: "),
    _rule(WARNING, "wrn],w [msgid", r"\[(?:[0-9:.]{5,12} )?wrn\]|\Aw \[msgid: "),
    _rule(WARNING, "warning  ",
          r"(?:\A|\n)[0-9]{1,4}[smhd]\S{0,6}(?: \(x[0-9]+ over \w+\))? +warning {2,}\w+ {2,}\w+/"),
    _rule(ERROR, "-of-data-space,split-brain,unit hang,non-primary comp,fault state,vdev_state=,ora-,is full",
          r"out-of-data-space|split-brain detected|detected hardware unit hang|\Aora-[0-9]{5}[:,] "
          r"|within the non-primary component|\) entering fault state|vdev_state=(?:faulted|degraded|unavail)"
          r"|transaction log for database .{1,80} is full|filegroup is full"),
    _rule(ERROR, "harakiri on,listen queue of,killed by signal,docker daemon at",
          r"\*\*\* harakiri on worker|\*\*\* uwsgi listen queue of socket .{1,80} full"
          r"|worker [0-9]+ \(pid: [0-9]+\) died, killed by signal|\Acannot connect to the docker daemon at"),
    # how a web framework of Ruby and servers of Elixir write an exception, and the reports of Erlang
    _rule(ERROR, "error - ,exception - ,: #<,** (,report====",
          r"\A(?:\w{1,60}::){0,6}\w{0,60}(?:error|exception) - .{1,1000}:\n\s"
          r"|: #<(?:\w{1,60}::){0,6}\w{1,60}error: "
          r"|\A\*\* \((?:\w{1,60}\.){0,6}\w{0,60}error\) |\A=(?:error|crash|supervisor) report===="),
    _rule(ERROR, "[error] ,[critical] ",
          r"\A[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3} (?:[\w.-]{1,40}=\S{1,80} ){0,6}\[(?:error|critical)\] "),
    # what ends a program, as those write it who start or watch it
    _rule(CRITICAL, "kernel pid terminated", r"\A\W{0,4}kernel pid terminated"),
    _rule(ERROR, "nats: ,gocql: ,* (exit),403. errors,does not exist.,]: failed!,]: unreachable!",
          r"(?:\A|: )(?:nats: (?:no |timeout|connection closed)|gocql: no )|\A\*\* \(exit\) an exception was"
          r"|fatal: \[[^\]\n]{1,200}\]: (?:failed|unreachable)!|\Acode: 403\. errors:"
          r"|\Arepository \S{1,200} does not exist\."),
    _rule(ERROR, ": fatal: ,exited with code,unstable restarts,promiserejection: ",
          r"\A[\w./-]{1,60}(?: [\w./-]{1,60})?(?: \(\w{1,20}\))?: fatal: "
          r"|\A(?:pm2 .{0,60})?(?:app \[.{1,80}\]|[\w.-]{1,100}) exited with code \[?(?!(?:0|130|143)\b)[0-9]"
          r"|had too many unstable restarts|\A\[unhandledpromiserejection: "),
    _rule(ERROR, "in @inc,compilation aborted,can't open file ',command not found,game over"
          ",unable to load app,spawn process for app,[ e ",
          r"can't locate \S{1,200} in @inc|begin failed--compilation aborted"
          r"|python[0-9.]{0,5}: can't open file '|: line [0-9]{1,6}: \S{1,200}: command not found\Z"
          r"|no app loaded\. game over|\Aunable to load app [0-9]|could not spawn process for application"
          r"|\A\[ e [0-9]{4}-"),
    _rule(ERROR, "error processing package,mount process exited,readtimeout: ,opentimeout: ",
          r"\Adpkg: error processing package |: mount process exited, code=exited, status=[1-9]"
          r"|\Anet::(?:read|open)timeout: "),
    _rule(WARNING, "warn,timed out,login incorrect", r"\A {0,2}(?:\S+: ){0,2}warn(?:ing)?(?:: |\[)|timed out"
          r"|(?:\A|\] )php warning: |auth: .{0,20}login incorrect"),
    # licences, mainframes and firewalls name no level, nor does who says what he could not do, and why
    _rule(ERROR, "feature has expired,abend=", r"\(feature has expired\.|abend=(?:s(?!000|[12]22)[0-9a-f]{3}"
          r"|u(?!0000)[0-9]{4})"),
    _rule(WARNING, "ssl-login-fail", r"ssl-login-fail"),
    _rule(ERROR, "is not reachable,cannot be reached", r" not [a-z]{3,20}: [^\n]{1,80}"
          r" (?:is not reachable|cannot be reached)"),
    # Last, for what says nothing else of itself. BIND and Unbound write their level behind its category, and
    # HAProxy says of a server that it is down when enough of its checks have failed
    _rule(INFO, ": info: ,] info: ,health check for ", r"\A(?:[\w-]{1,40}:|\[[0-9:]{1,20}\]) info: "
          r"|\Ahealth check for (?:backup )?server "),
    # what applications say in sentences of their own; that somebody could not sign in is his own doing
    _rule(WARNING, "login,logon,sign-in,authenticat,authori,password,captcha",
          r"(?:log(?:in|on)|sign-in|authenticat\w{1,5}|authori[sz]\w{1,6}|password|captcha)\b(?!:).{0,80}"
          r"(?:failed|could not|cannot)|(?:failed|could not|couldn't|cannot|unable to) .{0,60}"
          r"(?:log(?:in|on)|sign-in|authenticate|authori[sz]e)\b"),
    _rule(ERROR, "could not ,couldn't ,cannot ,can't ,unable to,failed,exception ",
          r"(?:\A|: |; |, | - |\A\[[^\]\n]{1,40}\] )"
          r"(?:could not|couldn't|cannot|can't|unable to|failed to|exception (?:while|in))"
          # what is asked for is not there; and what the kernel says of each device while it starts
          r" (?!be found|find |locate |determine |verify |validate |parse |(?:assign|claim|reserve)\b)\w"
          # of what is counted the number stands first, or behind
          r"|(?:\A(?:\[[^\]\n]{1,40}\] )?|[:;,-] )(?!\d)(?:(?!(?:no|not|none|nothing|never|if|whether"
          r"|that|which|who|why|when|after|unless|until|as|previously|last) )"
          r"[\w'#./-]{1,60} ){1,6}failed(?:[.!]?\s*\Z|: (?!\d)|, | \()"),
    # what is meant for whoever uses it says what to do if so, and clients come and go
    _rule(ERROR, "not answer,not respond,n't answer,n't respond",
          r"\A(?!.{0,300}\b(?:if|when|in case|unless|client|user|visitor|browser|player|viewer)s? )"
          r"[^\n]{0,300}(?:does not|did not|doesn't|didn't) (?:answer|respond)"
          r"(?:[.!]?\s*\Z| (?:in time|within|to)\b|[,;:(] )"),
    _rule(ERROR, "status 5,status: 5,status code 5,status code: 5,internal server error,bad gateway"
          ",service unavailable,gateway time",
          r"status(?: code)?:? 50[0234]\b|500 internal server error|502 bad gateway|503 service unavailable"
          r"|504 gateway time-?out"),
)
#: What a text must contain, in any case, for its words to decide: of every line, and of one without a level.
FACT_WORDS = (*dict.fromkeys(needle for rule in FACTS for needle in rule[0]), *TOLD[0].split(","),
              "ailed ", "nvalid ", "pam_", "; not ", "gave up", "ttempts", *NEEDLES)
TROUBLE_WORDS = tuple(dict.fromkeys(needle for rule in WORDS for needle in rule[0]))
OWN_WORDS = ("WARN", "ERROR", "SEVERE", "CRITICAL", "FATAL", "PANIC", "EMERG", "ALERT", "INFO", "DEBUG",
             "TRACE", "NOTICE")
