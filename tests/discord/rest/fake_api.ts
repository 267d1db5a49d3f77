/** A client that answers from a list, and records the requests. */

import type { RestApi } from "../../../src/discord/rest/client/client.ts";

export type Asked = Parameters<RestApi["request"]>;

/** Returns each answer once, and the last one for ever. Throws the answers that are errors. */
export function fakeApi(...answers: readonly unknown[]) {
  const asked: Asked[] = [];
  const api: RestApi = {
    request(...request) {
      const answer = answers[Math.min(asked.length, answers.length - 1)];
      asked.push(request);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  return { api, asked };
}
