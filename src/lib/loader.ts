/** Loads code at its first use, so that a start does not pay for it. */

/** Code that is loaded at its first use. */
export interface Loader<Code> {
  /**
   * The code: the same at each call.
   *
   * @throws {unknown} If it cannot be loaded; as a rejection. The next call tries again.
   */
  get(): Promise<Code>;
  /** The code, if it is loaded or on its way. */
  loading(): Promise<Code> | undefined;
}

/** Creates a loader, which has loaded nothing yet. */
export function createLoader<Code>(load: () => Promise<Code>): Loader<Code> {
  let loading: Promise<Code> | undefined;
  return {
    get: () =>
      loading ??= load().catch((error: unknown) => {
        loading = undefined;
        throw error;
      }),
    loading: () => loading,
  };
}
