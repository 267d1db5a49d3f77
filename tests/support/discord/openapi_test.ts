import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type CheckedRequest, createRequestValidator } from "./openapi.ts";

const openapi = createRequestValidator();
const CHANNEL = "/channels/1400000000000000002";

const request = (
  method: string,
  path: string,
  body?: unknown,
  query: Record<string, string> = {},
): CheckedRequest => ({ method, path, body, query });

describe("[D3] createRequestValidator()", { skip: openapi.skip }, () => {
  const good: readonly CheckedRequest[] = [
    request("GET", "/gateway/bot"),
    request("GET", `${CHANNEL}/messages`, undefined, { limit: "100", after: "1" }),
    request("POST", `${CHANNEL}/typing`),
    request("POST", `${CHANNEL}/messages`, {
      content: "hello",
      nonce: "n1",
      enforce_nonce: true,
      allowed_mentions: { parse: [], users: ["1"], replied_user: false },
      message_reference: { message_id: "1", fail_if_not_exists: false },
      embeds: [{ title: "t", fields: [{ name: "n", value: "v" }] }],
    }),
    request("PUT", `${CHANNEL}/messages/1/reactions/%F0%9F%91%80/@me`),
    request("POST", "/users/@me/channels", { recipient_id: "1" }),
  ];
  for (const one of good) {
    it(`accepts ${one.method} ${one.path}`, () => assert.deepEqual(openapi.problemsOf(one), []));
  }

  const bad: readonly [string, CheckedRequest, RegExp][] = [
    ["a route that does not exist", request("GET", "/nowhere"), /no GET \/nowhere/],
    ["a method that does not exist", request("PUT", `${CHANNEL}/messages`), /no PUT/],
    ["a misspelt field", request("POST", `${CHANNEL}/messages`, { contnet: "x" }), /body\/contnet/],
    [
      "a misspelt field deep inside",
      request("POST", `${CHANNEL}/messages`, { content: "x", allowed_mentions: { parsed: [] } }),
      /body\/allowed_mentions\/parsed/,
    ],
    [
      "a misspelt field in a list",
      request("POST", `${CHANNEL}/messages`, { embeds: [{ titel: "x" }] }),
      /body\/embeds\/0\/titel/,
    ],
    ["a wrong type", request("POST", `${CHANNEL}/messages`, { content: 1 }), /body\/content/],
    [
      "a nonce that is too long",
      request("POST", `${CHANNEL}/messages`, { content: "x", nonce: "n".repeat(26) }),
      /body\/nonce/,
    ],
    [
      "an unknown query",
      request("GET", `${CHANNEL}/messages`, undefined, { newest: "1" }),
      /parameter newest/,
    ],
    [
      "a limit of 101",
      request("GET", `${CHANNEL}/messages`, undefined, { limit: "101" }),
      /limit=101/,
    ],
    [
      "a body of a request without one",
      request("POST", `${CHANNEL}/typing`, { now: true }),
      /takes none/,
    ],
  ];
  for (const [what, one, problem] of bad) {
    it(`refuses ${what}`, () => assert.match(openapi.problemsOf(one).join("\n"), problem));
  }

  it("says why it cannot check if the document is missing", () => {
    const { skip, problemsOf } = createRequestValidator("/nowhere");
    assert.match(String(skip), /BARNACLE_SHARED/);
    assert.deepEqual(problemsOf(request("GET", "/nowhere")), []);
  });
});
