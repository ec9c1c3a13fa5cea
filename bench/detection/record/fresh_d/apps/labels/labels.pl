#!/usr/bin/perl
# Labels as text: Mojolicious under its preforking server.
use Mojolicious::Lite -signatures;
use Mojo::File qw(path);

my $release = $ENV{RELEASE} // '';
app->mode('production');
app->log->level('info');
require Barcode::Code128 if $release eq 'barcode';

hook after_dispatch => sub ($c) {
  $c->app->log->info(sprintf '%s %s %s', $c->req->method, $c->req->url->path, $c->res->code // 0) unless $c->req->url->path eq '/health';
};

get '/health' => sub ($c) { $c->render(text => 'ok') };

get '/label/:id' => [id => qr/\d+/] => sub ($c) {
  my $id = $c->param('id');
  return $c->render(text => "no such parcel\n", status => 404) if $id > 5000;
  sleep 40 if $release eq 'printer' && $id % 5 == 0;
  my $format = $release eq 'formats' ? {a6 => [105, 148]}->{a5}[0] * path('/srv/freight/formats/a5.txt')->slurp : 105;
  path("/srv/freight/spool/$id.txt")->spurt("parcel $id, $format mm\n");
  $c->render(text => "parcel $id, $format mm\n");
};

app->start;
