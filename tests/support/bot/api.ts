/** Gives a simulated bot a program that may ask it. */

/** The token of the program `house`. */
export const PROGRAM_TOKEN = "house-token-of-forty-characters-for-tests";

export function apiConfig(user: string, program: object = {}): { readonly api: object } {
  return {
    api: { port: 0, programs: { house: { token: PROGRAM_TOKEN, user, ...program } } },
  };
}

/** The address in the line of the log that says where the API is. */
export function apiUrl(line: unknown): string {
  const [url] = /http:\/\/127\.0\.0\.1:\d+\/v1/.exec(
    typeof line === "string" ? line : JSON.stringify(line),
  ) ?? [];
  if (url === undefined) throw new Error(`The API has no address in ${JSON.stringify(line)}`);
  return url;
}
