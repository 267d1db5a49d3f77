/** Reads the header `Retry-After`: seconds, or a date. */

/**
 * Reads the header.
 *
 * @returns Milliseconds to wait; `undefined` if the header is absent or says neither.
 * @see {@link https://datatracker.ietf.org/doc/html/rfc9110#section-10.2.3}
 */
export function retryAfterOf(
  header: string | null | undefined,
  now: number,
): number | undefined {
  const value = header?.trim();
  if (!value) return undefined;
  if (/^\d+(?:\.\d+)?$/.test(value)) return Math.ceil(Number(value) * 1_000);
  // Runtimes parse many other texts as dates.
  const at = /GMT$/.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
