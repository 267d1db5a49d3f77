/** Options of every command (O10). */
export interface CommonFlags {
  /** Path of the config file. */
  readonly config?: string;
  /** Path of the data directory. */
  readonly data?: string;
  /** Whether the result is printed as JSON. */
  readonly json: boolean;
}
