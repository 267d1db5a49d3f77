/** The checks at the end of every end-to-end test. */

import assert from "node:assert/strict";
import type { RequestRecord } from "../../../simulator/notes/request_log.ts";
import type { World } from "../../../simulator/world/world.ts";
import { createRequestValidator } from "../discord/openapi.ts";
import { skipUnless } from "../skip.ts";

const validator = createRequestValidator();
skipUnless(!validator.skip, `requests against Discord's document: ${validator.skip}`);

/**
 * Checks requests against Discord's own document.
 *
 * @param mayRefuse Requests that Discord may have refused, besides those of {@link overtakes}.
 */
export function judgeRequests(
  all: readonly RequestRecord[],
  mayRefuse: (request: RequestRecord) => boolean = () => false,
): void {
  const requests = all.filter((request) => !isOfAnotherTest(request));
  const refused = requests.filter((request) =>
    request.status !== undefined && request.status >= 400 && !overtakes(request) &&
    !mayRefuse(request)
  );
  assert.deepEqual(refused.map(({ method, path, status }) => `${method} ${path} ${status}`), []);
  const problems = requests.flatMap((request) =>
    validator.problemsOf(request).map((problem) => `${request.method} ${request.path}: ${problem}`)
  );
  assert.deepEqual(problems, []);
}

/**
 * Whether a request is meant for the model's server of another test. A bot that stops may still ask it,
 * after the system has given its port to this simulator.
 */
function isOfAnotherTest({ path, userAgent }: RequestRecord): boolean {
  return path.startsWith("/v1/") && !userAgent.startsWith("DiscordBot");
}

/**
 * Whether a request is the answer to an interaction that overtook its acknowledgement, which the
 * gateway's thread sends in a request of its own. Barnacle sends the answer again (K5).
 */
function overtakes({ path, status }: RequestRecord): boolean {
  return status === 404 && /^\/webhooks\/\d+\/[^/]+(?:\/messages\/@original)?$/.test(path);
}

/** Checks that the log has no secret, and no control sequence for a terminal. */
export function judgeLog(lines: readonly string[], secrets: readonly string[]): void {
  for (const secret of secrets) {
    assert.equal(lines.find((line) => line.includes(secret)), undefined, "a secret is in the log");
  }
  const forged = lines.find((line) => /\p{Cc}/u.test(line));
  assert.equal(forged, undefined, "the log can move a terminal's cursor");
}

/** Tokens of all bots, and of all pressed buttons. */
export function secretsOf({ applications, interactions }: World): readonly string[] {
  return [...applications.values(), ...interactions.values()].map(({ token }) => token);
}
