import { counter, defineMetrics, gauge } from '../../platform/telemetry/define-metrics.ts';

export const socketMetrics = defineMetrics({
  socketConnections: gauge('websocket_connections_active', 'Open sockets', ['kind']),
  /** The sum of the same, under the name other dashboards know. */
  socketsOpen: gauge('active_websocket_connections', 'Open sockets of all kinds', []),
  socketRecoveries: counter('parley_socket_recoveries_total', 'Connections that came back with their state', [
    'outcome',
  ]),
});
