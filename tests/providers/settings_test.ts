import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { endpointOf, modelIdOf, secretsOf } from "../../src/providers/settings.ts";

describe("[L1] endpointOf()", () => {
  const cases: readonly [baseUrl: string, endpoint: string][] = [
    ["http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"],
    ["http://127.0.0.1:11434/", "http://127.0.0.1:11434/v1"],
    ["http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"],
    ["http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1"],
    ["https://ai.example/api/openai", "https://ai.example/api/openai"],
    ["https://ai.example/v1?key=1#x", "https://ai.example/v1"],
    ["https://ada:pw@ai.example/v1", "https://ai.example/v1"],
    ["http://[::1]:8080", "http://[::1]:8080/v1"],
  ];
  for (const [baseUrl, endpoint] of cases) {
    it(`makes ${endpoint} of ${baseUrl}`, () => {
      assert.equal(endpointOf({ baseUrl, kind: "openai-compatible" }), endpoint);
    });
  }

  it("adds the path of each wire format to a bare host", () => {
    const baseUrl = "https://ai.example";
    assert.equal(endpointOf({ baseUrl, kind: "anthropic" }), "https://ai.example/v1");
    assert.equal(endpointOf({ baseUrl, kind: "google" }), "https://ai.example/v1beta");
  });

  for (const wrong of ["", "localhost:11434", "/v1", "file:///etc/passwd", "ftp://u:secret@x"]) {
    it(`refuses ${JSON.stringify(wrong)}, and does not repeat it`, () => {
      assert.throws(() => endpointOf({ baseUrl: wrong, kind: "anthropic" }), (error: Error) => {
        assert.ok(error instanceof TypeError);
        assert.ok(wrong === "" || !error.message.includes(wrong));
        return true;
      });
    });
  }
});

describe("[L1] modelIdOf()", () => {
  it("joins provider and model, which may contain slashes", () => {
    const provider = { id: "hub", kind: "openai-compatible", baseUrl: "http://x" } as const;
    assert.equal(modelIdOf({ provider, name: "meta/llama:3b" }), "hub/meta/llama:3b");
  });
});

describe("[C8] secretsOf()", () => {
  it("returns the key, the headers' values and the address's user and password", () => {
    assert.deepEqual(
      secretsOf({
        id: "x",
        kind: "anthropic",
        baseUrl: "https://ada:pw@ai.example",
        apiKey: "sk-1",
        headers: { Authorization: "Bearer abc", "X-Team": "crew" },
      }),
      ["sk-1", "abc", "crew", "ada", "pw"],
    );
  });

  it("returns none for a provider without secrets", () => {
    const provider = { id: "x", kind: "anthropic", baseUrl: "http://127.0.0.1" } as const;
    assert.deepEqual(secretsOf(provider), []);
  });
});
