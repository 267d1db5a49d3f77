import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import type { TurnTrace } from "../../src/core/turn/timeline.ts";
import { spansOf } from "../../src/telemetry/spans.ts";
import { createTraceExport } from "../../src/telemetry/trace_export.ts";
import { ACCOUNT, messageId } from "../support/discord/builders.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";

/** Small numbers count as times since the start of the process. */
const AT = 1_700_000_000_000;

const TRACE: TurnTrace = {
  accountId: ACCOUNT,
  agentId: "main",
  sessionKey: "agent:main:main",
  messageId: messageId("1400000000000000001"),
  modelId: "openrouter/meta/llama",
  startedAt: AT + 1_000,
  endedAt: AT + 4_000,
  entries: [
    {
      kind: "model",
      startedAt: AT + 1_000,
      endedAt: AT + 2_000,
      calls: ["remind"],
      usage: { inputTokens: 90, outputTokens: 5 },
    },
    {
      kind: "tool",
      startedAt: AT + 2_000,
      endedAt: AT + 2_500,
      name: "remind",
      callId: "call_1",
      arguments: '{"text":"hunter2"}',
      end: "failed",
      chars: 12,
      problem: "hunter2 is too late",
    },
    { kind: "model", startedAt: AT + 2_500, endedAt: AT + 4_000, calls: [] },
  ],
};

describe("[T1] spansOf()", () => {
  it("names the turn, its requests and its calls by the conventions", () => {
    assert.deepEqual(spansOf(TRACE).map(({ name, hasFailed }) => [name, hasFailed]), [
      ["invoke_agent main", false],
      ["chat meta/llama", false],
      ["execute_tool remind", true],
      ["chat meta/llama", false],
    ]);
    const [root] = spansOf(TRACE);
    assert.equal(root.attributes["gen_ai.provider.name"], "openrouter");
    assert.equal(root.attributes["gen_ai.usage.input_tokens"], 90);
  });

  it("names the kind of a failure", () => {
    const [root] = spansOf({ ...TRACE, failure: "timeout" });
    assert.deepEqual([root.hasFailed, root.attributes["error.type"]], [true, "timeout"]);
  });

  it("contains no text of people or of the model", () => {
    assert.doesNotMatch(JSON.stringify(spansOf(TRACE)), /hunter2/);
  });
});

describe("[T1] createTraceExport()", () => {
  it("sends a turn's spans to the collector, with one parent and the headers", async () => {
    const bodies: string[] = [];
    const keys: unknown[] = [];
    const collector = createServer((request, response) => {
      keys.push(request.headers["x-key"]);
      request.setEncoding("utf8");
      let body = "";
      request.on("data", (chunk) => body += chunk);
      request.on("end", () => {
        bodies.push(body);
        response.setHeader("content-type", "application/json").end("{}");
      });
    });
    collector.listen(0, "127.0.0.1");
    await once(collector, "listening");
    const address = collector.address();
    assert.ok(typeof address === "object" && address);
    const { log, lines } = recordingLog();
    const traces = createTraceExport({
      url: `http://127.0.0.1:${address.port}/v1/traces`,
      headers: { "x-key": "k" },
      version: "1.2.3",
      log,
      schedule: new FakeClock().schedule,
    });
    traces.add(TRACE);
    await traces.stop();
    collector.close();
    assert.deepEqual(lines, []);
    assert.deepEqual(keys, ["k"]);
    const { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] } = JSON.parse(bodies[0] ?? "");
    assert.match(JSON.stringify(resource), /"service\.name".*"barnacle"/);
    const root = spans.find(({ name }: { name: string }) => name === "invoke_agent main");
    assert.equal(spans.length, 4);
    for (const span of spans) {
      assert.equal(span.traceId, root.traceId);
      if (span !== root) assert.equal(span.parentSpanId, root.spanId);
    }
    assert.equal(root.startTimeUnixNano, "1700000001000000000");
    assert.equal(root.endTimeUnixNano, "1700000004000000000");
  });

  it("waits three seconds for a collector that does not answer, then ends", async () => {
    const silent = createServer(() => {});
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    assert.ok(typeof address === "object" && address);
    const { log } = recordingLog();
    const clock = new FakeClock();
    const traces = createTraceExport({
      url: `http://127.0.0.1:${address.port}/v1/traces`,
      headers: {},
      version: "1.2.3",
      log,
      schedule: clock.schedule,
    });
    traces.add(TRACE);
    const asked = once(silent, "request");
    const stopped = traces.stop();
    await asked;
    clock.advance(3_000);
    await stopped;
    silent.closeAllConnections();
    silent.close();
  });

  it("loads nothing and ends at once without a trace", async () => {
    const { log } = recordingLog();
    const { schedule } = new FakeClock();
    const options = { url: "http://127.0.0.1:1", headers: {}, version: "1", log, schedule };
    await createTraceExport(options).stop();
  });
});
