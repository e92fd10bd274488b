// Every figure the gateway counts, in one place. Prometheus names; labels never carry a principal or a body.

import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Builds the gateway's metrics on a registry of their own. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `sluice_${name}`, help, labelNames, registers });
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `sluice_${name}`, help, labelNames, registers });
  return {
    registry,
    /** What the limits on held things compare with; the gauges below are fed from it. */
    load: { inFlight: 0, streams: 0 },
    exchanges: counter('exchanges_total', 'Client requests that ended.', ['method', 'era', 'outcome']),
    duration: new Histogram({
      name: 'sluice_exchange_seconds',
      help: 'Time from a client request to its result.',
      labelNames: ['method'],
      buckets: SECONDS,
      registers,
    }),
    inFlight: gauge('exchanges_in_flight', 'Client requests without a result yet.'),
    streams: gauge('streams_open', 'Event streams open to clients.'),
    sessions: gauge('sessions', 'Initialize-era sessions alive.'),
    resumeBytes: gauge('resume_bytes', 'Bytes kept for clients of sessions that reconnect.'),
    resumed: counter('resumed_total', 'Streams that a client came back for.', ['outcome']),
    notifications: counter('notifications_total', 'Notifications sent to clients.', ['method']),
    streamedResults: counter('results_streamed_total', 'Results passed on as they came, by how that ended.', [
      'upstream',
      'outcome',
    ]),
    streamedBytes: counter('results_streamed_bytes_total', 'Bytes of those results.', ['upstream']),
    dropped: counter('dropped_total', 'Messages not delivered, by why.', ['reason']),
    limitHits: counter('limit_hits_total', 'Times a configured limit refused something.', ['limit']),
    timeouts: counter('timeouts_total', 'Deadlines that passed.', ['kind', 'upstream', 'listener']),
    tlsFailures: counter('tls_failures_total', 'TLS handshakes of clients that failed, by why.', [
      'listener',
      'reason',
    ]),
    certificateDays: gauge('certificate_expires_days', 'Days until a certificate of a listener expires.', [
      'listener',
      'name',
    ]),
    refused: counter('refused_total', 'Requests refused, by error name.', ['code']),
    pluginErrors: counter('plugin_errors_total', 'Hooks that threw or took too long.', ['plugin']),
    pluginEvents: counter('plugin_events_total', 'What plugins count of their own.', [
      'plugin',
      'event',
      'kind',
      'reason',
    ]),
    pluginLevel: gauge('plugin_level', 'How much there is of what plugins have.', ['plugin', 'what']),
    pluginSeconds: new Histogram({
      name: 'sluice_plugin_seconds',
      help: 'How long things of plugins took.',
      labelNames: ['plugin', 'what'],
      buckets: [0.0001, 0.00025, 0.0005, ...SECONDS],
      registers,
    }),
    upstreamUp: gauge('upstream_up', '1 while the upstream last answered, else 0.', ['upstream']),
    upstreamLinks: gauge('upstream_links', 'Live connections, sessions or processes.', ['upstream']),
    upstreamPending: gauge('upstream_pending', 'Requests an upstream has not answered.', ['upstream']),
    upstreamQueue: gauge('upstream_queue', 'Requests that wait for a place at an upstream.', ['upstream']),
    upstreamRetries: counter('upstream_retries_total', 'Requests sent once more, by what became of it.', [
      'upstream',
      'outcome',
    ]),
    upstreamRestarts: counter('upstream_restarts_total', 'Child processes started again.', ['upstream']),
    upstreamErrors: counter('upstream_errors_total', 'Failures of an upstream, by error name.', [
      'upstream',
      'code',
    ]),
    upstreamCertificateDays: gauge(
      'upstream_certificate_expires_days',
      'Days until the certificate that is shown to an upstream expires.',
      ['upstream'],
    ),
    refusedAddresses: counter(
      'upstream_addresses_refused_total',
      'Times that the name of an upstream led where it must not, by where.',
      ['upstream', 'reach'],
    ),
    cacheRequests: counter(
      'cache_requests_total',
      'Requests whose result could be a kept one, by whether it was.',
      ['upstream', 'method', 'outcome'],
    ),
    cacheBytes: gauge('cache_bytes', 'Bytes of results kept.', ['upstream']),
    upstreamBreaker: gauge(
      'upstream_breaker',
      'Whether a target is called: 0 yes, 1 by one call at a time, 2 not for now.',
      ['upstream', 'target'],
    ),
    upstreamTrips: counter('upstream_breaker_trips_total', 'Times that calls to a target were stopped.', [
      'upstream',
      'target',
    ]),
    upstreamProbes: counter('upstream_probes_total', 'Times a target was asked whether it works.', [
      'upstream',
      'target',
      'outcome',
    ]),
    toolsWaiting: gauge('tools_unapproved', 'Tools whose definition is not approved.', ['upstream']),
    toolDrifts: counter('tool_drifts_total', 'Definitions of tools found changed or new.', [
      'upstream',
      'kind',
    ]),
    parked: gauge('parked_calls', 'Calls that wait for an answer of the client.'),
    generation: gauge('generation', 'Number of the running generation.'),
    reloads: counter('reloads_total', 'Reloads tried.', ['outcome']),
    lastReloadOk: gauge('config_last_reload_success', '1 when the last reload took, 0 when it was refused.'),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
