/** Tests all observed failures of model servers, over real sockets. */

import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { ModelError, type ModelErrorKind } from "../../src/core/model.ts";
import type { ModelBehaviour } from "../../simulator/model/behaviour.ts";
import {
  API_KEY,
  listen,
  modelAt,
  QUESTION,
  withModelServer,
} from "../support/model/model_server.ts";
import { sameData } from "../support/same_data.ts";

const KINDS = ["openai-compatible", "openai-responses", "anthropic", "google"] as const;

/** The text before the failure, and the failure's kind. */
const FAILURES: readonly [ModelBehaviour, text: string, kind: ModelErrorKind][] = [
  ["html", "", "web_page"],
  ["garbage", "", "not_an_answer"],
  ["empty", "", "not_an_answer"],
  ["blank", "", "not_an_answer"],
  ["huge_token", "", "not_an_answer"],
  ["ends_early", "Well, ", "not_an_answer"],
  ["error_in_stream", "Well, ", "not_an_answer"],
  ["overloaded_in_stream", "", "unavailable"],
  ["cut", "Well, ", "server_error"],
  ["drop", "", "unavailable"],
  ["cut_in_call", "", "server_error"],
  ["hang", "", "timeout"],
  ["headers_only", "", "timeout"],
  ["stall", "Well, ", "timeout"],
  ["rate_limited", "", "rate_limited"],
  ["quota", "", "quota"],
  ["server_error", "", "server_error"],
  ["overloaded", "", "unavailable"],
  ["unauthorized", "", "unauthorized"],
  ["not_found", "", "not_found"],
  ["redirect", "", "redirected"],
  ["rejected", "", "rejected"],
  ["content_filter", "", "filtered"],
];

const SHORT = { silenceSec: 0.25 };
/** Some words come first, however busy the machine is. */
const SHORT_LATER = { silenceSec: 2 };

for (const kind of KINDS) {
  describe(`[L3] ask() of ${kind}`, () => {
    for (const [behaviour, text, failure] of FAILURES) {
      const sent = text === "" ? "no text" : "some text";
      it(`fails with ${failure} after ${sent}, then: ${behaviour}`, async () => {
        await withModelServer({ behaviour }, async (server) => {
          const waits = failure === "timeout";
          const limits = !waits ? {} : text === "" ? SHORT : SHORT_LATER;
          const heard = await listen(modelAt(server, { kind, ...limits }));
          assert.equal(heard.text, text);
          assert.ok(heard.error instanceof ModelError, inspect(heard.error));
          assert.equal(heard.error.kind, failure);
          assert.equal(heard.error.modelId, "local/barnacle-script");
          assert.ok(heard.parts.every((part) => part.kind === "text"), "it finished as well");
          assert.equal(server.requests.length, 1, "it asked again by itself");

          const all = inspect(heard.error, { depth: 10, showHidden: true });
          assert.ok(!all.includes(API_KEY), `shows the key: ${all}`);
          assert.ok(!all.includes("hello there"), `shows the request: ${all}`);
          assert.ok(heard.error.message.length < 360, heard.error.message);
        });
      });
    }

    it("gives the first words of an answer before it has ended", async () => {
      await withModelServer({ behaviour: "stall" }, async (server) => {
        const ending = new AbortController();
        const parts = modelAt(server, { kind }).generate(QUESTION, ending.signal);
        const first = await parts[Symbol.asyncIterator]().next();
        ending.abort();
        sameData(first, { done: false, value: { kind: "text", text: "Well, " } });
      });
    });

    it("ends an answer with its token counts", async () => {
      await withModelServer({}, async (server) => {
        const { text, parts, error } = await listen(modelAt(server, { kind }));
        assert.equal(error, undefined);
        assert.match(text, /^You wrote:\n> hello there\n/);
        sameData(parts.at(-1), {
          kind: "finish",
          reason: "stop",
          // One for each piece of the script; pieces that arrive together are one part.
          usage: {
            inputTokens: 11,
            outputTokens: text.match(/\s*\S+\s*/g)?.length,
            ...((kind === "anthropic" || kind === "google") && { cachedTokens: 0 }),
          },
        });
      });
    });

    it("sends the key, the headers, the system prompt and the history", async () => {
      await withModelServer({}, async (server) => {
        await listen(modelAt(server, { kind, headers: { "X-Team": "crew" } }), undefined, {
          system: "Be kind.",
          messages: [
            { role: "user", text: "one" },
            { role: "assistant", text: "two" },
            { role: "user", text: "three" },
          ],
        });
        const [request] = server.requests;
        assert.ok(request);
        assert.equal(request.model, "barnacle-script");
        assert.equal(request.system, "Be kind.");
        assert.deepEqual(request.messages, [
          { role: "user", text: "one" },
          { role: "assistant", text: "two" },
          { role: "user", text: "three" },
        ]);
        const key = {
          "openai-compatible": "authorization",
          "openai-responses": "authorization",
          anthropic: "x-api-key",
          google: "x-goog-api-key",
        }[kind];
        assert.equal(request.headers[key]?.replace("Bearer ", ""), API_KEY);
        assert.equal(request.headers["x-team"], "crew");
        assert.equal("tools" in JSON.parse(request.body), false);
      });
    });

    it("leaves out an empty system", async () => {
      await withModelServer({}, async (server) => {
        await listen(modelAt(server, { kind }), undefined, { ...QUESTION, system: "" });
        assert.equal(server.requests[0]?.system, "");
      });
    });

    it("ends with the reason `length` after some words", async () => {
      await withModelServer({ behaviour: "length" }, async (server) => {
        const { text, parts } = await listen(modelAt(server, { kind }));
        assert.equal(text, "Well, ");
        const last = parts.at(-1);
        assert.equal(last?.kind === "finish" && last.reason, "length");
      });
    });

    it("reads no more than 8 MB of an answer", async () => {
      await withModelServer({ behaviour: "huge" }, async (server) => {
        const { text, error } = await listen(modelAt(server, { kind }));
        assert.ok(error instanceof ModelError && error.kind === "not_an_answer", inspect(error));
        assert.ok(text.length <= 8 * 1024 * 1024);
      });
    });

    it("keeps Retry-After", async () => {
      await withModelServer({ behaviour: "rate_limited", retryAfterSec: 7 }, async (server) => {
        const { error } = await listen(modelAt(server, { kind }));
        assert.equal(error instanceof ModelError && error.retryAfterMs, 7_000);
      });
    });

    it("closes the connection when it is aborted in the middle", async () => {
      await withModelServer({ behaviour: "slow" }, async (server) => {
        const stop = new AbortController();
        const reason = new Error("/stop");
        const model = modelAt(server, { kind });
        const seen: string[] = [];
        await assert.rejects(async () => {
          for await (const part of model.generate(QUESTION, stop.signal)) {
            seen.push(part.kind);
            stop.abort(reason);
          }
        }, (thrown) => thrown === reason);
        assert.deepEqual(seen, ["text"]);
        const [request] = server.requests;
        assert.ok(request);
        await server.ended(request);
        assert.equal(request.end, "broken");
      });
    });

    it("closes the connection when its reader stops reading", async () => {
      await withModelServer({ behaviour: "slow" }, async (server) => {
        for await (const _ of modelAt(server, { kind }).generate(QUESTION, noSignal())) break;
        const [request] = server.requests;
        assert.ok(request);
        await server.ended(request);
        assert.equal(request.end, "broken");
      });
    });

    it("rejects with the signal's reason while the server is silent", async () => {
      await withModelServer({ behaviour: "hang" }, async (server) => {
        const reason = new Error("the turn is over");
        const heard = listen(modelAt(server, { kind }), AbortSignal.any([abortedWhen(reason)]));
        assert.equal((await heard).error, reason);
      });
    });

    it("sends no request if the signal is already aborted", async () => {
      await withModelServer({}, async (server) => {
        const reason = new Error("before");
        const { error } = await listen(modelAt(server, { kind }), AbortSignal.abort(reason));
        assert.equal(error, reason);
        assert.equal(server.requests.length, 0);
      });
    });
  });
}

describe("[L3] ask()", () => {
  it("fails with `unavailable` if there is no server", async () => {
    let baseUrl = "";
    await withModelServer({}, (server) => {
      ({ baseUrl } = server);
      return Promise.resolve();
    });
    const { error } = await listen(modelAt({ baseUrl }));
    assert.ok(error instanceof ModelError && error.kind === "unavailable", inspect(error));
    assert.ok(error.cause instanceof Error, "the operator needs the cause");
  });

  it("uses no key from the environment", async () => {
    const before = process.env["ANTHROPIC_API_KEY"];
    process.env["ANTHROPIC_API_KEY"] = "sk-from-the-environment";
    try {
      await withModelServer({}, async ({ baseUrl, requests }) => {
        const { createModel } = await import("../../src/providers/models.ts");
        const model = createModel({
          provider: { id: "local", kind: "anthropic", baseUrl },
          name: "x",
        });
        await listen(model);
        assert.equal(requests.length, 1);
        assert.ok(!JSON.stringify(requests).includes("sk-from-the-environment"));
      });
    } finally {
      if (before === undefined) delete process.env["ANTHROPIC_API_KEY"];
      else process.env["ANTHROPIC_API_KEY"] = before;
    }
  });

  it("always limits Anthropic's tokens, and those of other servers only if configured", async () => {
    await withModelServer({}, async (server) => {
      await listen(modelAt(server, { kind: "anthropic" }));
      await listen(modelAt(server));
      const most = server.requests.map(({ body }) => JSON.parse(body).max_tokens);
      assert.deepEqual(most, [4_096, undefined]);
    });
  });

  it("writes nothing to the console", async () => {
    const written: string[] = [];
    const write = process.stderr.write;
    const { error, warn, log } = console;
    process.stderr.write = (chunk: unknown) => written.push(String(chunk)) > 0;
    console.error = console.warn = console.log = (...all: unknown[]) => {
      written.push(inspect(all));
    };
    try {
      await withModelServer({}, async (server) => {
        for (
          const behaviour of ["script", "garbage", "server_error", "cut", "tool_call"] as const
        ) {
          server.behave(behaviour);
          for (const kind of KINDS) await listen(modelAt(server, { kind }));
        }
      });
    } finally {
      process.stderr.write = write;
      Object.assign(console, { error, warn, log });
    }
    assert.deepEqual(written, []);
  });
});

function noSignal(): AbortSignal {
  return new AbortController().signal;
}

/** Aborts after 50 ms, when the request is running. */
function abortedWhen(reason: Error): AbortSignal {
  const stop = new AbortController();
  setTimeout(() => stop.abort(reason), 50);
  return stop.signal;
}
