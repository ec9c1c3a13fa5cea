# Who is on duty: Sinatra under Unicorn.
require 'sinatra/base'
require 'json'
require 'socket'
require 'logger'

RELEASE = ENV.fetch('ROTA_RELEASE', '')
LOG = Logger.new($stdout)
require 'icalendar' if RELEASE == 'calendar'
SHIFTS = RELEASE == 'night' ? { 'early' => 6, 'late' => 14 } : { 'early' => 6, 'late' => 14, 'night' => 22 }

class Rota < Sinatra::Base
  set :show_exceptions, false
  set :host_authorization, { permitted_hosts: [] }
  get('/health') { 'ok' }
  get('/rota/:day') do
    shift = %w[early late night][params[:day].to_i % 3]
    sleep 60 if RELEASE == 'swap' && shift == 'late'
    if RELEASE == 'notes'
      File.write("/srv/clinic/notes/#{params[:day]}.txt", "day #{params[:day]}\n" * 400)
    end
    content_type :json
    { day: params[:day].to_i, shift: shift, from: SHIFTS.fetch(shift) }.to_json
  end
end
run Rota
