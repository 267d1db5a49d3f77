/** Declares the log as a port, so that code without access to the logger can log. */

/** Facts about an event, beside its sentence. Never a secret, never a person's words. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The program's log, as a port: one call for each event. */
export interface Log {
  /**
   * Logs a detail that only helps to find a bug. `event` is a constant sentence; variable parts
   * belong in `fields`.
   */
  debug(event: string, fields?: LogFields): void;
  /** Logs a normal event that an operator may want to see. */
  info(event: string, fields?: LogFields): void;
  /** Logs a problem that Barnacle handles itself, or that an operator should look at. */
  warn(event: string, fields?: LogFields): void;
  /** Logs a failure that needs an operator or costs a user something. */
  error(event: string, fields?: LogFields): void;
}
