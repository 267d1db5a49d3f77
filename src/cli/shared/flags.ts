/** Flags that every command takes (O10). */
export interface CommonFlags {
  readonly config?: string;
  readonly data?: string;
  readonly json: boolean;
}
