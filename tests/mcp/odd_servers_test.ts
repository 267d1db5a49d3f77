import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { UnknownOutcomeError } from "../../src/core/turn/tool.ts";
import { PROGRAM_BOUNDS } from "../../src/host/limits/program_bounds.ts";
import { schedule, type StartTimer } from "../../src/lib/clock.ts";
import { MCP_LIMITS } from "../../src/lib/program_limits.ts";
import { createConfine } from "../../src/mcp/sandbox.ts";
import type { McpServer } from "../../src/mcp/server.ts";
import { createSeenTools } from "../../src/mcp/definitions.ts";
import { createLogins } from "../../src/mcp/oauth/provider.ts";
import { createMcpServers, type McpServers } from "../../src/mcp/servers.ts";
import { cases } from "../support/long_form.ts";
import { listed } from "../support/model/mcp_listed.ts";
import { type OddAnswers, oddProgram, startOddServer } from "../support/model/mcp_odd.ts";
import { toolContext } from "../support/model/tools.ts";
import { recordingLog } from "../support/recording_log.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const OTHER = { name: "other", inputSchema: { type: "object" } };

interface Scene {
  readonly servers: McpServers;
  /** Methods that the server was asked for; empty for a program. */
  readonly methods: () => readonly string[];
  readonly asked: readonly { readonly params?: Readonly<Record<string, unknown>> }[];
  readonly state: () => ReturnType<McpServers["states"]>[number];
  /** Names of the tools, as the server has them. */
  readonly names: () => readonly string[];
  call(name?: string): Promise<string>;
}

/** Connects to a server with odd answers, and lists its tools. */
async function play(
  kind: "http" | "stdio",
  answers: OddAnswers,
  run: (scene: Scene) => Promise<void> | void,
  timer: StartTimer = schedule,
): Promise<void> {
  using folder = tempDirectory();
  using web = await startOddServer(answers);
  const transport: McpServer["transport"] = kind === "http"
    ? { kind, url: web.url, headers: {} }
    : { kind, ...oddProgram(answers), sandbox: "off", writable: [], limits: MCP_LIMITS };
  const { log } = recordingLog();
  const ports = {
    version: "1",
    now: Date.now,
    schedule: timer,
    log,
    confine: createConfine({
      folder: folder.path,
      hidden: () => [],
      bounds: PROGRAM_BOUNDS,
      log,
    }),
    seen: createSeenTools(join(folder.path, "seen.json")),
    logins: createLogins(folder.path),
  };
  const servers = createMcpServers([{ id: "odd", transport }], ports);
  try {
    await listed(servers);
    await run({
      servers,
      asked: web.asked,
      methods: () => web.asked.flatMap(({ method, id }) => id === undefined ? [] : [method ?? ""]),
      state: () => {
        const [state] = servers.states();
        assert.ok(state);
        return state;
      },
      names: () => servers.tools().map(({ name }) => name.replace("mcp__odd__", "")),
      call: async (name = "look") => {
        const tool = servers.tools().find((one) => one.name === `mcp__odd__${name}`);
        assert.ok(tool, `there is no ${name}: ${JSON.stringify(servers.states())}`);
        const signal = AbortSignal.timeout(3_000);
        return await tool.run({}, toolContext({ signal }));
      },
    });
  } finally {
    await servers.close();
  }
}

const KINDS = ["http", "stdio"] as const;
const list = (...tools: readonly unknown[]) => ({ "tools/list": [{ result: { tools } }] });
const says = (result: unknown) => ({ "tools/call": [{ result }] });

describe("[T6] a server with odd answers", () => {
  const odd: readonly [what: string, tool: unknown, isRead: boolean][] = [
    ["null for optional fields", {
      name: "odd",
      title: null,
      description: null,
      inputSchema: { type: "object", properties: null, required: null },
      outputSchema: null,
      annotations: { readOnlyHint: null },
      _meta: null,
    }, true],
    ["PHP's objects", { name: "odd", inputSchema: { properties: [] }, annotations: [] }, true],
    ["no schema", { name: "odd" }, true],
    ["a number as its description", { name: "odd", inputSchema: {}, description: 5 }, true],
    ["a text as its schema", { name: "odd", inputSchema: "{}" }, false],
    ["properties that are none", { name: "odd", inputSchema: { properties: 5 } }, false],
    ["no name", { inputSchema: {} }, false],
    ["a number as its name", { name: 5, inputSchema: {} }, false],
    ["the name of another", { ...OTHER, description: "else" }, false],
    ["a header that is none", {
      name: "odd",
      inputSchema: { type: "object", properties: { a: { type: "string", "x-mcp-header": "" } } },
    }, true],
    ["nothing", null, false],
  ];
  for (const [what, tool, isRead] of odd) {
    it(`lists the others beside a tool with ${what}`, () =>
      play("http", list(OTHER, tool), ({ names, state }) => {
        assert.deepEqual(names(), isRead ? ["odd", "other"] : ["other"]);
        assert.equal(state().cut?.length ?? 0, isRead ? 0 : 1, JSON.stringify(state()));
      }));
  }

  for (
    const cursors of [[""], ["a", "a"], ["a", "b", "a"], ["a", null], ["a", ""], [{}], [1, 2, 1]]
  ) {
    it(`ends its list at the cursors ${JSON.stringify(cursors)}`, () =>
      play("http", {
        "tools/list": cursors.map((nextCursor, at) => ({
          result: { tools: [{ ...OTHER, name: `t${at}` }], nextCursor },
        })),
      }, ({ names, state }) => {
        assert.deepEqual(names(), cursors.map((_, at) => `t${at}`));
        assert.equal(state().cut, undefined);
      }));
  }

  const texts: readonly [what: string, result: unknown, text: RegExp][] = [
    ["null for optional fields", {
      _meta: null,
      isError: null,
      structuredContent: null,
      content: [{ type: "text", text: "ahoy", annotations: null }],
    }, /^ahoy$/],
    ["base64 with line breaks", {
      content: [{ type: "image", data: "Zm9\n1cg==\r\n", mimeType: "image/png" }],
    }, /^\[image image\/png, 4 bytes/],
    ["a data URI", {
      content: [{ type: "image", data: "data:image/png;base64,Zm91cg==" }],
    }, /^\[image image\/png, 4 bytes/],
    ["a link without a name", {
      content: [{ type: "resource_link", uri: "a://b", name: null, mimeType: null }],
    }, /^\[link to the resource a:\/\/b; not read\]/],
    ["a text in place of blocks", { content: "ahoy" }, /^ahoy$/],
    ["one block in place of a list", { content: { type: "text", text: "ahoy" } }, /^ahoy$/],
    ["a text in place of a result", "ahoy", /^ahoy$/],
    ["a list in place of a result", [{ type: "text", text: "ahoy" }], /ahoy/],
    ["fields of its own", { depth: 3 }, /^\{"depth":3\}$/],
    ["null in place of a result", null, /The tool returned nothing/],
  ];
  for (const kind of KINDS) {
    for (const [what, result, text] of texts) {
      it(`has a result with ${what}, over ${kind}`, () =>
        play(kind, says(result), async ({ call }) => assert.match(await call(), text)));
    }
    it(`has a result in which a number is NaN, over ${kind}`, () => {
      const raw = '{"jsonrpc":"2.0","id":$id,"result":{"structuredContent":{"depth":NaN}}}';
      return play(
        kind,
        { "tools/call": [{ raw }] },
        async ({ call }) => assert.match(await call(), /"depth":NaN/),
      );
    });
    it(`has an envelope of its own form, over ${kind}`, () => {
      const raw =
        '{"id":"$id","error":null,"more":1,"result":{"content":[{"type":"text","text":"ahoy"}]}}';
      return play(
        kind,
        { "tools/call": [{ raw }] },
        async ({ call }) => assert.equal(await call(), "ahoy"),
      );
    });
    it(`answers with an error of its own form, over ${kind}`, () =>
      play(kind, { "tools/call": [{ result: null, error: "no tide today" }] }, async ({ call }) => {
        await assert.rejects(
          call(),
          (error) => !(error instanceof UnknownOutcomeError) && /no tide today/.test(`${error}`),
        );
      }));
    it(`asks once more with an older version, over ${kind}`, () =>
      play(kind, {
        initialize: [
          { error: { code: -32_602, message: "Unsupported protocol version", data: null } },
          {
            result: {
              protocolVersion: "2025-03-26",
              capabilities: { tools: {}, logging: null, prompts: null },
              serverInfo: { name: "odd", version: null },
              instructions: null,
            },
          },
        ],
      }, async ({ call, asked }) => {
        assert.equal(await call(), "ahoy");
        const begun = asked.flatMap(({ params }) => params?.["protocolVersion"] ?? []);
        if (kind === "http") assert.deepEqual(begun, ["2025-11-25", "2025-03-26"]);
      }));
    it(`tells why a start failed, not that it was ended, over ${kind}`, () =>
      play(kind, {
        initialize: [{ error: { code: -32_000, message: "no licence for the reef" } }],
      }, ({ state }) => assert.match(state().problem ?? "", /no licence for the reef/)));
  }

  it("names an odd block in its place", () => {
    const content = [5, { type: "text" }, { type: "text", text: "ahoy" }];
    return play("http", { "tools/call": [{ result: { content } }] }, async ({ call }) => {
      assert.match(await call(), /not readable[^]*ahoy/);
    });
  });

  it("does not speak of a lost connection if an answer cannot be read, and keeps it", () =>
    play("http", {
      "tools/call": [{ raw: "<h1>Welcome</h1>", type: "text/html" }, { result: "ahoy" }],
    }, async ({ call, methods }) => {
      await assert.rejects(
        call(),
        (error) => /cannot be read/.test(`${error}`) && !/lost/.test(`${error}`),
      );
      assert.equal(await call(), "ahoy");
      assert.equal(methods().filter((method) => method === "initialize").length, 1);
    }));

  for (const type of ["", "text/plain"]) {
    it(`reads an answer with the content type "${type}"`, () =>
      play(
        "http",
        { "tools/call": [{ result: "ahoy", type }] },
        async ({ call }) => assert.equal(await call(), "ahoy"),
      ));
  }

  it("speaks of an empty answer if a request is accepted (202)", () =>
    play("http", { "tools/call": [{ status: 202, raw: "" }] }, async ({ call }) => {
      await assert.rejects(
        call(),
        (error) => error instanceof UnknownOutcomeError && /it is empty/.test(error.message),
      );
    }));

  it("has five seconds for server/discover", () => {
    const soon: StartTimer = (work, ms) => schedule(work, ms === 5_000 ? 50 : ms);
    return play("http", { "server/discover": [{}] }, ({ names, methods }) => {
      assert.deepEqual(names(), ["look"]);
      assert.deepEqual(methods(), ["server/discover", "initialize", "tools/list"]);
    }, soon);
  });

  it("knows no version of server/discover", () =>
    play("http", {
      "server/discover": [{
        error: { code: -32_022, message: "no", data: { supported: ["2025-06-18"] } },
      }],
      initialize: [{ result: { protocolVersion: "2025-06-18", capabilities: { tools: {} } } }],
    }, ({ names, asked }) => {
      assert.deepEqual(names(), ["look"]);
      assert.equal(asked[1]?.params?.["protocolVersion"], "2025-11-25");
    }));

  it("names a tool whose arguments can be no headers of the newer revision", () => {
    const properties = { a: { type: "string", "x-mcp-header": "" } };
    return play("http", {
      ...list(OTHER, { name: "odd", inputSchema: { type: "object", properties } }),
      "server/discover": [{
        result: { supportedVersions: ["2026-07-28"], capabilities: { tools: {}, logging: null } },
      }],
    }, ({ names, state, methods }) => {
      assert.deepEqual(methods(), ["server/discover", "tools/list"]);
      assert.deepEqual(names(), ["other"]);
      assert.match(state().cut?.join() ?? "", /^odd is left out \(its x-mcp-header/);
    });
  });

  it("asks a server that refuses access for no older version", () =>
    play(
      "http",
      { initialize: [{ status: 403, raw: "no" }] },
      ({ methods }) => assert.deepEqual(methods(), ["server/discover", "initialize"]),
    ));

  it("knows that a call of the newer revision with too few scopes has not run", () =>
    play("http", {
      "server/discover": [{
        result: { supportedVersions: ["2026-07-28"], capabilities: { tools: {} } },
      }],
      "tools/call": [{
        status: 403,
        raw: "no",
        challenge: 'Bearer error="insufficient_scope", scope="tide"',
      }],
    }, ({ call }) =>
      assert.rejects(call(), (error) =>
        !(error instanceof UnknownOutcomeError) && /needs the scopes "tide"/.test(`${error}`))));

  it("does not finish a tool that asks for more input, and says so", () =>
    play("http", {
      "server/discover": [{
        result: { supportedVersions: ["2026-07-28"], capabilities: { tools: {} } },
      }],
      "tools/call": [{
        result: {
          resultType: "input_required",
          inputRequests: { a: { method: "elicitation/create", params: {} } },
        },
      }],
    }, ({ call }) =>
      assert.rejects(call(), (error) =>
        !(error instanceof UnknownOutcomeError) && /asks for more input/.test(`${error}`))));

  const initialize = [{
    sessionId: "one",
    result: {
      protocolVersion: "2025-11-25",
      capabilities: { tools: {} },
      serverInfo: { name: "odd", version: "1" },
    },
  }];
  const refusals = [
    { status: 400, raw: "Bad Request" },
    {
      status: 404,
      raw: '{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"?"}}',
    },
    { status: 503, raw: "upstream" },
  ];
  for (const refusal of refusals) {
    it(`opens a session again once after status ${refusal.status}`, () =>
      play("http", {
        initialize,
        "tools/call": [refusal, { result: "ahoy" }],
      }, async ({ call, methods }) => {
        assert.equal(await call(), "ahoy");
        const last = methods().slice(3);
        assert.deepEqual(last, [
          "tools/call",
          "server/discover",
          "initialize",
          "tools/list",
          "tools/call",
        ]);
      }));
    it(`opens it no second time after status ${refusal.status}`, () =>
      play("http", { initialize, "tools/call": [refusal] }, async ({ call, methods }) => {
        await assert.rejects(
          call(),
          (error) => (error instanceof UnknownOutcomeError) === (refusal.status === 503),
        );
        assert.equal(methods().filter((method) => method === "tools/call").length, 2);
      }));
  }

  it("opens a session again that is lost while it lists other tools", () =>
    play("http", {
      initialize,
      "tools/list": [
        { result: { tools: [{ name: "look", inputSchema: {} }] } },
        { status: 404, raw: "no session" },
        { result: { tools: [OTHER] } },
      ],
      "tools/call": [{
        result: "ahoy",
        also: { jsonrpc: "2.0", method: "notifications/tools/list_changed" },
      }],
    }, async ({ call, names, methods }) => {
      assert.equal(await call(), "ahoy");
      while (!names().includes("other")) await sleep(5);
      assert.deepEqual(methods().slice(3), [
        "tools/call",
        "tools/list",
        "server/discover",
        "initialize",
        "tools/list",
      ]);
    }, (work, ms) => schedule(work, ms > 4_000 && ms <= 5_000 ? 5 : ms)));

  it("opens no session again if it answers the request with status 400", () =>
    play("http", {
      initialize,
      "tools/call": [{ status: 400, error: { code: -32_602, message: "no such tide" } }],
    }, async ({ call, methods }) => {
      await assert.rejects(call(), /no such tide/);
      assert.equal(methods().filter((method) => method === "tools/call").length, 1);
    }));
});

/** An object with odd fields: nulled, renamed, or of another type. */
function oddOf(given: Readonly<Record<string, unknown>>): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.entries(given).map(([name, value]) => {
    const inner = typeof value === "object" && value !== null && !Array.isArray(value)
      ? [oddOf({ ...value })]
      : [];
    return fc.tuple(
      fc.oneof({ arbitrary: fc.constant(name), weight: 4 }, fc.constant(`${name}_`)),
      fc.oneof(
        { arbitrary: fc.constant<unknown>(value), weight: 4 },
        fc.constantFrom<unknown[]>(null, 5, "text", true, [], {}, [{}], [null]),
        ...inner,
      ),
    );
  });
  return fc.tuple(...fields).map((list) => Object.fromEntries(list));
}

const schema = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
const TOOL = {
  name: "odd",
  title: "Odd",
  description: "Is odd.",
  inputSchema: schema,
  outputSchema: schema,
  annotations: { title: "Odd", readOnlyHint: true, idempotentHint: true },
  _meta: { a: 1 },
};
const BLOCKS = [
  { type: "text", text: "odd", annotations: { priority: 1 } },
  { type: "image", data: "Zm91cg==", mimeType: "image/png" },
  { type: "audio", data: "Zm91cg==", mimeType: "audio/wav" },
  { type: "resource", resource: { uri: "a://b", text: "odd", mimeType: "text/plain" } },
  { type: "resource", resource: { uri: "a://b", blob: "Zm91cg==", mimeType: "image/png" } },
  { type: "resource_link", uri: "a://b", name: "b", description: "odd", size: 5 },
];

describe("[T6] laws of servers with odd answers", () => {
  const runs = { numRuns: cases(40, 1_000) };
  const anything = fc.constantFrom<unknown[]>(null, 5, "text", [], {}, [null]);

  it("each tool of a list is read or named, beside anything", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ arbitrary: oddOf(TOOL), weight: 5 }, anything), { maxLength: 8 }),
        oddOf({ nextCursor: "", _meta: {}, resultType: "complete", ttlMs: 5 }),
        async (items, fields) => {
          const own = items.map((item, at) =>
            typeof Object(item).name === "string" ? { ...Object(item), name: `odd${at}` } : item
          );
          const tools = [...own, OTHER];
          const answers = {
            "tools/list": [{ result: { ...fields, tools } }, { result: { tools: [] } }],
          };
          await play("http", answers, async ({ names, state, call }) => {
            assert.ok(names().includes("other"));
            assert.equal(new Set(names()).size + (state().cut?.length ?? 0), tools.length);
            assert.equal(await call("other"), "ahoy");
          });
        },
      ),
      runs,
    ));

  it("each good block of a result is written, and a server that has answered did so", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ arbitrary: fc.oneof(...BLOCKS.map(oddOf)), weight: 5 }, anything)),
        oddOf({ _meta: {}, isError: false, structuredContent: { a: 1 } }),
        fc.nat(8),
        async (items, fields, at) => {
          const content = items.toSpliced(at, 0, { type: "text", text: "ahoy" });
          await play("http", says({ ...fields, content }), async ({ call }) => {
            const text = fields["isError"] === true
              ? await call().catch((error: Error) => error.message)
              : await call();
            assert.match(text, /ahoy/);
          });
        },
      ),
      runs,
    ));

  it("an odd envelope ends no connection, and never hides that the server has answered", () =>
    fc.assert(
      fc.asyncProperty(
        oddOf({ jsonrpc: "2.0", error: null, more: 1 }),
        fc.constantFrom("application/json", "text/event-stream", "text/plain", ""),
        fc.boolean(),
        async (fields, type, isList) => {
          const envelope = {
            ...fields,
            id: "$id",
            result: { content: [{ type: "text", text: "ahoy" }] },
          };
          const message = JSON.stringify(envelope).replace('"$id"', "$id");
          const isStream = type === "text/event-stream";
          const raw = isList && !isStream ? `[${message}]` : message;
          await play("http", { "tools/call": [{ raw, type }] }, async ({ call, methods }) => {
            const isRefusal = Object.hasOwn(fields, "error") && fields["error"] !== null;
            const text = await call().catch((error: unknown) => error);
            assert.ok(!(text instanceof UnknownOutcomeError), `${text}`);
            assert.equal(text instanceof Error, isRefusal, `${text}`);
            await call().catch(() => {});
            assert.equal(methods().filter((method) => method === "initialize").length, 1);
          });
        },
      ),
      runs,
    ));

  it("a server whose answer to the start is odd works, or is told with the server's reason", () =>
    fc.assert(
      fc.asyncProperty(
        oddOf({
          protocolVersion: "2025-06-18",
          capabilities: {
            tools: { listChanged: true },
            logging: {},
            prompts: { listChanged: true },
          },
          serverInfo: { name: "odd", version: "1" },
          instructions: "Be odd.",
        }),
        async (result) => {
          const { tools = null } = Object(result["capabilities"]);
          const isGood = result["protocolVersion"] === "2025-06-18" && tools !== null;
          await play("http", { initialize: [{ result }] }, ({ state }) => {
            if (isGood) assert.equal(state().problem, undefined);
            assert.doesNotMatch(state().problem ?? "", /parse|zod|invalid_type|ended/i);
          });
        },
      ),
      runs,
    ));
});
