/** Loads code at its first use, so that a start does not pay for it. */

/** Creates a loader, which has loaded nothing yet. */
export function createLoader<Code>(load: () => Promise<Code>): {
  /**
   * The code: the same at each call.
   *
   * @throws {unknown} If it cannot be loaded; as a rejection. The next call tries again.
   */
  get(): Promise<Code>;
  /** The code, if it is loaded or on its way. */
  loading(): Promise<Code> | undefined;
} {
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
