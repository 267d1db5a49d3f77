/** What a gateway says before anybody identifies. */
export interface HelloFound {
  /** Milliseconds to the 101. */
  readonly openMs: number;
  readonly heartbeatIntervalMs: number;
}
