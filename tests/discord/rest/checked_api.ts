/**
 * A client that answers from a list. It checks each request, in its form on the wire, against
 * Discord's own document.
 */

import assert from "node:assert/strict";
import type { RestApi } from "../../../src/discord/rest/client/client.ts";
import { bodyOf } from "../../../src/discord/rest/client/client.ts";
import { createRequestValidator } from "../../support/discord/openapi.ts";
import { fakeApi } from "./fake_api.ts";

const openapi = createRequestValidator();

/** One request on the wire. */
export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export function checkedApi(...answers: readonly unknown[]) {
  const { api: fake, asked } = fakeApi(...answers);
  const sent: Sent[] = [];
  const api: RestApi = {
    request(method, path, options) {
      const body = bodyOf(options ?? {});
      const { pathname, searchParams } = new URL(path, "http://localhost");
      const request: Sent = {
        method,
        path: pathname,
        query: Object.fromEntries(searchParams),
        body: typeof body === "string" ? JSON.parse(body) : undefined,
      };
      assert.deepEqual(openapi.problemsOf(request), [], `${method} ${path}`);
      sent.push(request);
      return fake.request(method, path, options);
    },
  };
  return { api, asked, sent };
}
