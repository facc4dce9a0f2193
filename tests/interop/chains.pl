#!/usr/bin/perl
# What Mail::DKIM makes of the ARC chains of messages, one line for each: the result and why.
#
# usage: chains.pl ZONE FILE...        ZONE has lines of NAME TXT "RECORD"

use strict;
use warnings;
use Mail::DKIM::ARC::Verifier;
use Mail::DKIM::DNS;
use Net::DNS;

my ($zone, @files) = @ARGV;
my %records;
open my $lines, '<', $zone or die "$zone: $!";
while (<$lines>) {
    $records{$1} = $2 if /^(\S+) TXT "(.*)"$/;
}

# It asks nobody else.
package Zone {
    sub new { bless {}, shift }
    sub errorstring { 'NOERROR' }

    sub send {
        my ($self, $name, $type) = @_;
        my $packet = Net::DNS::Packet->new($name, $type);
        my $text = $records{$name};
        $packet->push(answer => Net::DNS::RR->new(name => $name, type => 'TXT', txtdata => [$text])) if defined $text;
        return $packet;
    }
}
Mail::DKIM::DNS::resolver(Zone->new);

for my $file (@files) {
    open my $message, '<:raw', $file or die "$file: $!";
    my $verifier = Mail::DKIM::ARC::Verifier->new;
    local $/;
    $verifier->PRINT(<$message>);
    $verifier->CLOSE;
    print $verifier->result, "\t", $verifier->result_detail =~ s/\s+/ /gr, "\n";
}
