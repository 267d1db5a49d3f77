/** What is known about an event, beside its sentence; never a secret, never a person's words. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where the parts of a program write what happened: one event, one call. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}
