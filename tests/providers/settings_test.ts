import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Model, ModelUsage } from "../../src/core/model.ts";
import {
  endpointOf,
  isPaid,
  modelIdOf,
  type ModelSettings,
  secretsOf,
  withPrice,
  withQuery,
} from "../../src/providers/settings.ts";

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
    for (const path of ["/anthropic", "/anthropic/v1"]) {
      const endpoint = endpointOf({ baseUrl: baseUrl + path, kind: "anthropic" });
      assert.equal(endpoint, "https://ai.example/anthropic/v1");
    }
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

const asked = (baseUrl: string, path: string): string =>
  withQuery(`${endpointOf({ baseUrl, kind: "openai-compatible" })}${path}`, { baseUrl });

it("[L1] withQuery() › adds the query of the provider's address, and nothing without one", () => {
  const azure = "https://a.example/openai/deployments/d?api-version=1";
  assert.equal(
    asked(azure, "/chat/completions"),
    "https://a.example/openai/deployments/d/chat/completions?api-version=1",
  );
  assert.equal(
    asked(azure, "/models?limit=9"),
    "https://a.example/openai/deployments/d/models?limit=9&api-version=1",
  );
  assert.equal(asked("http://x", "/models"), "http://x/v1/models");
});

const hosts: readonly (readonly [host: string, isPaid: boolean])[] = [
  ["localhost", false],
  ["ollama", false],
  ["tides.local", false],
  ["192.168.1.7", false],
  ["[::1]", false],
  ["[fd00::7]", false],
  ["[fe80::7]", false],
  ["ai.example", true],
  ["203.0.113.7", true],
  ["[2001:db8::7]", true],
  ["[2001:db8::fd00]", true],
];
for (const [host, expected] of hosts) {
  it(`[L5] isPaid() › is ${expected} for ${host}`, () => {
    const baseUrl = `http://${host}:8080/v1`;
    const provider = { id: "own", baseUrl, kind: "openai-compatible" } as const;
    assert.equal(isPaid({ provider }), expected);
  });
}

it("[L1] modelIdOf() › joins provider and model, which may contain slashes", () => {
  const provider = { id: "hub", kind: "openai-compatible", baseUrl: "http://x" } as const;
  assert.equal(modelIdOf({ provider, name: "meta/llama:3b" }), "hub/meta/llama:3b");
});

describe("[C8] secretsOf()", () => {
  it("returns the key, long values of headers, and the address's user and password", () => {
    assert.deepEqual(
      secretsOf({
        id: "x",
        kind: "anthropic",
        baseUrl: "https://ada:pw@ai.example?api-version=2024&subscription-key=k%2B9%2f",
        apiKey: "sk-1",
        headers: { Authorization: "Bearer abc", "X-Team": "crew" },
      }),
      ["sk-1", "abc", "ada", "pw", "k+9/", "k%2B9%2f", "k%2B9%2F"],
    );
  });

  it("returns none for a provider without secrets", () => {
    const provider = { id: "x", kind: "anthropic", baseUrl: "http://127.0.0.1" } as const;
    assert.deepEqual(secretsOf(provider), []);
  });
});

describe("[L5] withPrice()", () => {
  const settings = {
    provider: { baseUrl: "https://ai.example" },
    price: { input: 1, output: 1 },
  } as ModelSettings;

  async function usageWith(usage: ModelUsage): Promise<ModelUsage | undefined> {
    const model: Model = {
      id: "p/m",
      async *generate() {
        yield await Promise.resolve({ kind: "finish", reason: "stop", usage });
      },
    };
    const request = { messages: [], system: "", tools: [] };
    for await (
      const part of withPrice(model, settings).generate(request, new AbortController().signal)
    ) {
      if (part.kind === "finish") return part.usage;
    }
    return undefined;
  }

  const wrong: readonly Pick<ModelUsage, "inputTokens" | "outputTokens">[] = [
    { inputTokens: -1_000_000, outputTokens: 1 },
    { inputTokens: 1, outputTokens: -1 },
    { inputTokens: 0.5, outputTokens: 1 },
    { inputTokens: Number.NaN, outputTokens: 1 },
    { inputTokens: 1e300, outputTokens: 1 },
  ];
  for (const usage of wrong) {
    it(`estimates in place of ${usage.inputTokens} and ${usage.outputTokens} tokens`, async () => {
      const counted = await usageWith(usage);
      assert.equal(counted?.isEstimate, true);
      assert.ok((counted?.micros ?? -1) >= 0);
    });
  }

  it("drops a count of cached tokens above that of the request", async () => {
    const counted = await usageWith({ inputTokens: 10, outputTokens: 2, cachedTokens: 99 });
    assert.equal(counted?.inputTokens, 10);
    assert.equal(counted?.cachedTokens, undefined);
  });
});
