/** Tests frames, requests and signatures of Amazon Bedrock. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, createHmac } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ModelError, type ModelErrorKind, type ModelMessage } from "../../src/core/model.ts";
import { converseBody } from "../../src/providers/converse_body.ts";
import { createConverseReader } from "../../src/providers/converse.ts";
import { createEventFrames } from "../../src/providers/streams/event_frames.ts";
import { createModel } from "../../src/providers/models.ts";
import { frameOf } from "../../simulator/model/bedrock.ts";
import { listen, QUESTION, settingsFor } from "../support/model/model_server.ts";

const event = (type: string, payload: object) =>
  frameOf({ ":message-type": "event", ":event-type": type }, JSON.stringify(payload));
const exception = (type: string, message = "x") =>
  frameOf({ ":message-type": "exception", ":exception-type": type }, JSON.stringify({ message }));
const HELLO = [
  event("messageStart", { role: "assistant" }),
  event("contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Hello §" } }),
  event("messageStop", { stopReason: "end_turn" }),
  event("metadata", {
    usage: {
      inputTokens: 3,
      outputTokens: 2,
      cacheReadInputTokens: 40,
      cacheWriteInputTokens: 5,
    },
  }),
];

function read(bytes: Uint8Array, size = Infinity) {
  const reader = createConverseReader("p/m", []);
  let text = "";
  for (let at = 0; at < bytes.length && !reader.isOver(); at += size) {
    text += reader.read(bytes.subarray(at, at + size));
  }
  if (!reader.isOver()) text += reader.read(undefined);
  return { text, finish: reader.finish() };
}

describe("[L3] createEventFrames()", () => {
  it("reads frames that arrive in pieces of any size", () => {
    const whole = Buffer.concat(HELLO);
    for (let size = 1; size <= whole.length; size++) {
      const { text, finish } = read(whole, size);
      assert.equal(text, "Hello §");
      assert.deepEqual(finish.usage, { inputTokens: 48, outputTokens: 2, cachedTokens: 40 });
    }
  });

  it("never throws, and ends with bytes that are no frames", () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 12, maxLength: 200 }), (bytes) => {
      assert.equal(createEventFrames().read(bytes), undefined);
    }));
    const frame = new Uint8Array(HELLO[1] ?? []);
    fc.assert(fc.property(fc.nat(frame.length - 1), fc.nat(255), (at, byte) => {
      const broken = frame.slice();
      broken[at] = byte;
      createEventFrames().read(broken);
    }));
  });

  it("skips headers of other types", () => {
    const head = Buffer.concat([
      Buffer.from([1, 97, 0]), // a: true
      Buffer.from([1, 98, 4, 0, 0, 0, 9]), // b: 9
      Buffer.from([1, 99, 6, 0, 2, 1, 2]), // c: two bytes
      Buffer.from([1, 100, 8, 0, 0, 0, 0, 0, 0, 0, 1]), // d: a time
    ]);
    const named = frameOf({ ":event-type": "metadata" }, "{}");
    const text = Buffer.from(named.subarray(12, named.length - 6));
    const frame = framed(Buffer.concat([head, text]), "{}");
    assert.deepEqual(createEventFrames().read(frame)?.[0]?.headers, { ":event-type": "metadata" });
  });
});

/** A frame with these bytes as headers. */
function framed(head: Uint8Array, payload: string): Uint8Array {
  const plain = frameOf({}, `${"h".repeat(head.length)}${payload}`);
  // The same lengths, but the first bytes of the payload are headers.
  const frame = Buffer.from(plain);
  frame.writeUInt32BE(head.length, 4);
  frame.set(head, 12);
  frame.writeUInt32BE(crc(frame.subarray(0, 8)), 8);
  return frame;
}

/** Checksum by its definition, so that the test does not repeat the code. */
function crc(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (0xedb88320 & -(sum & 1));
  }
  return (sum ^ 0xffffffff) >>> 0;
}

describe("[L3] createConverseReader()", () => {
  const failures: readonly [what: string, frames: readonly Uint8Array[], kind: ModelErrorKind][] = [
    ["throttling", [exception("throttlingException")], "rate_limited"],
    ["a lack of room", [exception("serviceUnavailableException")], "unavailable"],
    ["a fault of the model", [exception("modelStreamErrorException")], "unavailable"],
    ["a fault of the server", [exception("internalServerException")], "unavailable"],
    ["a length", [exception("validationException", "Input is too long")], "context_length"],
    ["another refusal", [exception("validationException")], "not_an_answer"],
    ["a filter", [event("messageStop", { stopReason: "content_filtered" })], "filtered"],
    ["a guardrail", [event("messageStop", { stopReason: "guardrail_intervened" })], "filtered"],
    ["no end", HELLO.slice(0, 2), "not_an_answer"],
    ["no text", HELLO.slice(2), "not_an_answer"],
    ["a page", [new TextEncoder().encode("<html>Bad Gateway</html>")], "not_an_answer"],
  ];
  for (const [what, frames, kind] of failures) {
    it(`fails with ${what} as ${kind}`, () => {
      assert.throws(
        () => read(Buffer.concat(frames)),
        (error) => error instanceof ModelError && error.kind === kind,
      );
    });
  }

  it("reads an answer whose token counts never come", () => {
    const { text, finish } = read(Buffer.concat(HELLO.slice(0, 3)));
    assert.equal(text, "Hello §");
    assert.equal(finish.usage, undefined);
  });
});

const CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";
const call = (id: string) => ({ id, name: "tide", arguments: "{}" });
const TOOL = { name: "tide", description: "Tells the tide.", parameters: { type: "object" } };
const TALK: readonly ModelMessage[] = [
  { role: "user", text: "tides?" },
  { role: "assistant", text: "", calls: [call("a"), call("b")] },
  { role: "tool", call: call("a"), text: "high" },
  { role: "tool", call: call("b"), text: "" },
  { role: "user", text: "And now?" },
];

describe("[L1] converseBody()", () => {
  const bodyOf = (name: string, more: object = {}) =>
    JSON.parse(converseBody({ ...QUESTION, messages: TALK, tools: [TOOL], ...more }, { name }));

  it("joins results and words into turns that alternate, and leaves nothing blank", () => {
    assert.deepEqual(bodyOf("meta.llama3-1-70b-instruct-v1:0").messages, [
      { role: "user", content: [{ text: "tides?" }] },
      {
        role: "assistant",
        content: [
          { toolUse: { toolUseId: "a", name: "tide", input: {} } },
          { toolUse: { toolUseId: "b", name: "tide", input: {} } },
        ],
      },
      {
        role: "user",
        content: [
          { toolResult: { toolUseId: "a", content: [{ text: "high" }] } },
          { toolResult: { toolUseId: "b", content: [{ text: "(nothing)" }] } },
          { text: "And now?" },
        ],
      },
    ]);
  });

  it("marks beginnings for the cache only at models that have one", () => {
    const marks = (name: string) => JSON.stringify(bodyOf(name)).split("cachePoint").length - 1;
    const models: readonly (readonly [name: string, marks: number])[] = [
      [CLAUDE, 3],
      ["anthropic.claude-3-5-haiku-20241022-v1:0", 3],
      ["anthropic.claude-3-7-sonnet-20250219-v1:0", 3],
      ["us.amazon.nova-pro-v1:0", 3],
      ["anthropic.claude-3-haiku-20240307-v1:0", 0],
      ["anthropic.claude-v2:1", 0],
      ["mistral.mistral-large-2407-v1:0", 0],
    ];
    for (const [name, expected] of models) assert.equal(marks(name), expected, name);
  });

  it("keeps the tools of a request that may call none, and says so in words", () => {
    const { toolConfig, messages } = bodyOf(CLAUDE, { mayCall: false });
    assert.equal(toolConfig.tools.length, 1);
    assert.match(JSON.stringify(messages.at(-1)), /Call no tool/);
  });
});

describe("[L1] a request to Bedrock", () => {
  const NOW = Date.UTC(2026, 7, 1, 12, 30);
  const AWS = {
    region: "eu-central-1",
    accessKeyId: "AKIDEXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    sessionToken: "token",
  };

  async function sent(provider: object) {
    let url = "";
    let init: RequestInit = {};
    const fetch: typeof globalThis.fetch = (input, options) => {
      url = String(input);
      init = options ?? {};
      return Promise.resolve(new Response(new Uint8Array(Buffer.concat(HELLO))));
    };
    const model = createModel({
      ...settingsFor({ baseUrl: "https://bedrock-runtime.eu-central-1.amazonaws.com" }, {
        kind: "bedrock",
        ...provider,
      }),
      name: CLAUDE,
    }, { fetch, now: () => NOW });
    const { text, error } = await listen(model);
    assert.equal(error, undefined);
    assert.equal(text, "Hello §");
    return { url, headers: new Headers(init.headers), body: String(init.body) };
  }

  it("has the key and the model's name in its path", async () => {
    const { url, headers } = await sent({ apiKey: "key-1", aws: AWS });
    assert.equal(
      url,
      "https://bedrock-runtime.eu-central-1.amazonaws.com/model/" +
        "eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
    );
    assert.equal(headers.get("authorization"), "Bearer key-1");
    assert.equal(headers.get("x-amz-date"), null);
  });

  it("without one is signed, as Amazon's document says", async () => {
    const { headers, body } = await sent({ apiKey: undefined, aws: AWS });
    const auth = headers.get("authorization") ?? "";
    const [, names = "", signature] = /SignedHeaders=([^,]+), Signature=(\w+)/.exec(auth) ?? [];
    assert.match(
      auth,
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20260801\/eu-central-1\/bedrock\/aws4_request, /,
    );
    assert.equal(headers.get("x-amz-date"), "20260801T123000Z");
    assert.equal(headers.get("x-amz-security-token"), "token");
    assert.doesNotMatch(auth, /wJalr/);
    const hash = (text: string) => createHash("sha256").update(text).digest("hex");
    const values: Record<string, string> = { host: "bedrock-runtime.eu-central-1.amazonaws.com" };
    const canonical = [
      "POST",
      "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%253A0/converse-stream",
      "",
      ...names.split(";").map((name) => `${name}:${values[name] ?? headers.get(name) ?? ""}`),
      "",
      names,
      hash(body),
    ].join("\n");
    const scope = "20260801/eu-central-1/bedrock/aws4_request";
    const text = ["AWS4-HMAC-SHA256", "20260801T123000Z", scope, hash(canonical)].join("\n");
    let key: string | Buffer = `AWS4${AWS.secretAccessKey}`;
    for (const part of scope.split("/")) key = createHmac("sha256", key).update(part).digest();
    assert.equal(signature, createHmac("sha256", key).update(text).digest("hex"));
  });
});
