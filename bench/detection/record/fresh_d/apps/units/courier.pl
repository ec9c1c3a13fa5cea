#!/usr/bin/perl
# Writes a letter each two seconds to the spool.
use strict;
use warnings;
$| = 1;
my ($n, @kept) = (0);
my $release = $ENV{COURIER_RELEASE} // '';
print "courier begins\n";
while (1) {
    $n++;
    my $path = "/mnt/spool/letter-" . ($n % 40) . ".txt";
    my $out;
    if (open($out, '>', $path) and print({$out} 'x' x 4000) and close($out)) {
        print "letter $n written\n";
    } else {
        print STDERR "courier: cannot write $path: $!\n";
    }
    push @kept, 'y' x 6_000_000 if $release eq 'archive';
    sleep 2;
}
