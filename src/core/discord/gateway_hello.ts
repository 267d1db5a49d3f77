/** A gateway's greeting, which it sends before IDENTIFY. */
export interface HelloFound {
  /** Milliseconds until the WebSocket was open (HTTP status 101). */
  readonly openMs: number;
  /** Milliseconds between two heartbeats, as the gateway asks in HELLO. */
  readonly heartbeatIntervalMs: number;
}
