import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseApiUrl } from "../../../../src/discord/rest/exchange/exchange.ts";

describe("[G14] parseApiUrl()", () => {
  const good: readonly [text: string, base: string][] = [
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080/api"],
    ["http://127.0.0.1:8080/", "http://127.0.0.1:8080/api"],
    ["http://127.0.0.1:8080/api", "http://127.0.0.1:8080/api"],
    ["http://127.0.0.1:8080/api/", "http://127.0.0.1:8080/api"],
    ["http://127.0.0.1:8080/api/v10", "http://127.0.0.1:8080/api"],
    [" http://localhost:1 \n", "http://localhost:1/api"],
    ["http://[::1]:1", "http://[::1]:1/api"],
    ["http://127.9.9.9", "http://127.9.9.9/api"],
    ["https://proxy.example", "https://proxy.example/api"],
    ["https://Proxy.Example:8443/api/v10/", "https://proxy.example:8443/api"],
  ];
  for (const [text, base] of good) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(parseApiUrl(text), { base }));
  }

  const bad: readonly [text: string, why: RegExp][] = [
    ["", /not a URL/],
    ["127.0.0.1:8080", /not a URL|begins with/],
    ["localhost:8080", /begins with localhost:/],
    ["ws://127.0.0.1", /begins with ws:\/\/: expected/],
    ["file:///api", /begins with file:\/\/: expected/],
    ["http://discord.example", /plain http to discord\.example.*use https/],
    ["http://localhost.example", /plain http/],
    ["http://127.0.0.1.example", /plain http/],
    ["http://0.0.0.0:1", /plain http/],
    ["http://192.168.1.2", /plain http/],
    ["https://a.example/api/v9", /more than a host, "\/api\/v9"/],
    ["https://a.example/other", /more than a host/],
    ["https://a.example/api?x=1", /more than a host/],
    ["https://a.example/api#x", /more than a host/],
    ["https://me:hunter2@a.example", /user name or password/],
  ];
  for (const [text, why] of bad) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const result = parseApiUrl(text);
      assert.ok("problem" in result);
      assert.match(result.problem, why);
      assert.doesNotMatch(result.problem, /hunter2/);
    });
  }
});
