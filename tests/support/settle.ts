/** Lets every promise that is settled run its course. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
