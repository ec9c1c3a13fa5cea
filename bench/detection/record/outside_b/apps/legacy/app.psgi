use strict;
use warnings;
use POSIX qw(strftime);

sub note { print STDERR strftime("[%a %b %e %H:%M:%S %Y] ", gmtime), "legacy: ", @_, "\n" }

sub save {
    my ($n) = @_;
    my $path = "/srv/tickets/data/order-" . ($n % 400) . ".csv";
    open(my $out, '>>', $path) or die "cannot open $path: $!";
    print $out "$n;", time, ";" . ("x" x 900) . "\n";
    close($out) or die "cannot write $path: $!";
}

my $app = sub {
    my ($env) = @_;
    my $path = $env->{PATH_INFO};
    return [200, ['Content-Type' => 'text/plain'], ["ok"]] if $path =~ m{/health$};
    if ($path =~ m{/order/(\d+)$}) {
        save($1);
        note("order $1 saved") if $1 % 3 == 0;
        return [200, ['Content-Type' => 'text/plain'], ["saved"]];
    }
    return [404, ['Content-Type' => 'text/plain'], ["nothing here"]];
};
$app;
