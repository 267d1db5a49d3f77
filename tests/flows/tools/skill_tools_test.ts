/** Tests tools of skills: the examples, broken and hostile files, and the decision of an owner. */

import assert from "node:assert/strict";
import { OWNER, SELF, testAccount } from "../../support/bot/test_account.ts";
import { toolContext } from "../../support/model/tools.ts";
import { once } from "node:events";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ALLOW_ONCE, type Decision, DENY } from "../../../src/core/people/question.ts";
import type { SkillSet } from "../../../src/core/skills/skill.ts";
import { inputOf, readTool, type RunTool, type SkillTool } from "../../../src/core/skills/skill.ts";
import { audienceOf, isForTool, isToolEntry } from "../../../src/core/tool_names.ts";
import { UnknownOutcomeError } from "../../../src/core/turn/tool.ts";
import { runSkill, runSkillTool, skillQuestion } from "../../../src/flows/tools/skill_tools.ts";
import { answeredLine, runToolJob } from "../../../src/sandbox/tool_module.ts";
import { fetchDeclared } from "../../../src/web/declared_fetch.ts";
import { findSkills, withTools } from "../../../src/workspace/skills.ts";
import { userId } from "../../support/discord/builders.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const EXAMPLES = join(import.meta.dirname ?? "", "..", "..", "..", "examples", "skills");
const TOKEN = "hunter2hunter2";
const header = (more: string) => `export const tool = { description: "d", ${more} };\n`;
const MAIN = "export default async (input, { fetch, call }) => ";
const { signal } = new AbortController();

/** A run that does not end by itself gets less time than a bot gives; the others have room. */
const timeOf = ({ source, file, input }: Parameters<RunTool>[0]): number => {
  const isEndless = source.startsWith("for (;;)") ||
    input !== undefined && (source.includes("for (;;)") || file.endsWith("/late.js"));
  return isEndless ? 100 : 60_000;
};

/** Runs a tool in this process. */
const runTool: RunTool = async (
  job,
  _signal,
  _by,
  answer = () => Promise.reject(new Error("no")),
) => {
  let take = (_line: string): void => {};
  return await runToolJob(
    { ...job, timeoutMs: timeOf(job) },
    {
      on: (_event: string, listener: (line: string) => void) => void (take = listener),
      postMessage: (line: string) => void answeredLine(line, answer).then((reply) => take(reply)),
    } as unknown as Parameters<typeof runToolJob>[1],
  );
};

/** Bodies by path; the server has the headers of the last request. */
const PAGES: Readonly<Record<string, string>> = {
  "/v1/search": '{"results":[{"name":"Kiel","country":"DE","latitude":54.3,"longitude":10.1}]}',
  "/v1/forecast": '{"current":{"temperature_2m":7.5},"current_units":{},"daily":{}}',
  "/api/states":
    '[{"entity_id":"light.desk","state":"off","attributes":{"friendly_name":"Desk"}},{"entity_id":"x.y"}]',
  "/api/services/light/turn_on": "[]",
  "/System/Info": '{"ServerName":"attic","Version":"10.11.0","HasPendingRestart":false}',
  "/Items/Counts": '{"MovieCount":3,"SeriesCount":2,"SongCount":1}',
  "/Sessions": '[{"UserName":"ada","NowPlayingItem":{"Name":"Tides"},"DeviceName":"TV"},{}]',
  "/huge": "x".repeat(1_000_001),
  "/echo": "hunter2hunter2",
};

let origin = "";
let requests: IncomingMessage[] = [];
let bodies: string[] = [];
const server = createServer(async (request, response) => {
  requests.push(request);
  bodies.push((await request.setEncoding("utf8").toArray()).join(""));
  const path = request.url?.split("?")[0] ?? "";
  if (path === "/away") response.writeHead(307, { location: "http://127.0.0.1:1/" });
  response.end(PAGES[path]);
});

const directory = tempDirectory();
const { path: root } = directory;

/** A place of its own for each skill: a search reads all skills of a place. */
const placeOf = (skill: string): string => join(root, skill);
const folderOf = (skill: string): string => join(placeOf(skill), skill);

function add(skill: string, tools: Readonly<Record<string, string>>): void {
  const folder = join(folderOf(skill), "tools");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "..", "SKILL.md"), `---\nname: ${skill}\ndescription: d\n---\n`);
  for (const [name, text] of Object.entries(tools)) writeFileSync(join(folder, `${name}.js`), text);
}

const toolsIn = ({ skills }: SkillSet) => skills.flatMap(({ tools }) => tools ?? []);

/** Reads the tools of skills with some names. */
async function find(...names: readonly string[]) {
  const places = names.map((name) => ({ path: placeOf(name), isRequired: true }));
  return await withTools(await findSkills(places), runTool);
}

const fetch = (...request: Parameters<Parameters<typeof runSkillTool>[2]["fetch"]>) =>
  fetchDeclared(...request, {
    hosts: new Map<string, Record<string, string>>([[origin, { authorization: TOKEN }], [
      "http://169.254.169.254",
      {},
    ]]),
    version: "1",
  });
const parts = {
  runTool,
  fetch,
  cleanSecrets: (text: string) => text.replaceAll(TOKEN, "[redacted]"),
};

async function toolOf(id: string): Promise<SkillTool> {
  const tool = toolsIn(await find(id.split("/")[0] ?? "")).find((one) => one.id === id);
  assert.ok(tool, id);
  return tool;
}

const run = async (id: string, input: unknown = {}, callTool = refuse): Promise<string> =>
  await runFound(await toolOf(id), input, callTool);

async function runFound(tool: SkillTool, input: unknown, callTool = refuse): Promise<string> {
  requests = [];
  bodies = [];
  const context = { signal, callTool };
  return await runSkillTool(tool, inputOf(tool).parse(input), parts, context);
}
const refuse = (): Promise<string> =>
  Promise.reject(new Error("discord needs a person's decision"));

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const name of readdirSync(EXAMPLES)) {
    const folder = folderOf(name);
    cpSync(join(EXAMPLES, name), folder, { recursive: true });
    for (const file of readdirSync(join(folder, "tools"))) {
      const path = join(folder, "tools", file);
      const source = readFileSync(path, "utf8");
      writeFileSync(path, source.replace(/https?:\/\/[\w.-]+(?::\d+)?(?=["/$])/g, origin));
    }
  }
});
after(() => {
  server.closeAllConnections();
  server.close();
  directory[Symbol.dispose]();
});

describe("[T7a] the examples", () => {
  const examples: readonly [name: string, input: object, result: RegExp, asked: RegExp][] = [
    [
      "weather/forecast",
      { place: "Kiel" },
      /"place":"Kiel".*"temperature_2m":7.5/,
      /^GET .*latitude=54.3/,
    ],
    [
      "home-assistant/states",
      { name: "DESK" },
      /^\[\{"entity_id":"light.desk","name":"Desk","state":"off"\}\]$/,
      /^GET/,
    ],
    [
      "home-assistant/switch",
      { entity_id: "light.desk", to: "on" },
      /^light.desk is on\.$/,
      /^POST .*turn_on/,
    ],
    ["jellyfin/state", {}, /"server":"attic".*"title":"Tides","by":"ada","on":"TV"/, /^GET/],
  ];
  for (const [id, input, result, asked] of examples) {
    it(`${id} asks its server, with the token of the config`, async () => {
      assert.match(await run(id, input), result);
      const last = requests.at(-1);
      assert.match(`${last?.method} ${last?.url}`, asked);
      assert.equal(last?.headers.authorization, TOKEN);
    });
  }

  it("send the body of a request, and none for a device that they cannot switch", async () => {
    await run("home-assistant/switch", { entity_id: "light.desk", to: "on" });
    assert.deepEqual(bodies, ['{"entity_id":"light.desk"}']);
    const other = await run("home-assistant/switch", { entity_id: "lock.door", to: "on" });
    assert.match(other, /cannot be switched/);
    assert.equal(requests.length, 0);
    await assert.rejects(run("weather/forecast", { place: "x".repeat(101) }), /place/);
  });
});

describe("[T7a] withTools()", () => {
  const withHead = (head: string) => `${header(head)}${MAIN} 1`;
  const scheme = /`tool\.hosts\.0`: Expected scheme/;
  const noTool = /`tool\.tools\.0`: there is no tool/;
  const broken: readonly [name: string, source: string, why: RegExp][] = [
    [
      "syntax",
      "export const tool = {\n  a: ;\n};",
      /SyntaxError: .*\(broken-syntax\/tools\/syntax\.js:2:6\)/,
    ],
    ["throws", "\n null.x", /TypeError: .*\(broken-throws\/tools\/throws\.js:2:\d+\)/],
    ["loops", "for (;;);", /it ran longer than 0.1 s/],
    ["eats", "'a'.repeat(2 ** 29);", /more than 64 MB/],
    ["waits", "await new Promise(() => {});", /its promise never settles/],
    ["files", 'import { readFileSync } from "node:fs";', /could not load module 'node:fs'/],
    ["reaches", `${header("a: fetch")}`, /'fetch' is not defined/],
    ["empty", "", /expected `export const tool/],
    ["headless", `${MAIN} 1`, /expected `export const tool/],
    ["mainless", header(""), /expected `export const tool/],
    ["key", withHead("host: []"), /`tool`: Unrecognized key: "host"/],
    ["slash", withHead('hosts: ["https://a.de/"]'), scheme],
    ["user", withHead('hosts: ["https://u@a.de"]'), scheme],
    ["idn", withHead('hosts: ["https://аpple.com"]'), scheme],
    ["scheme", withHead('hosts: ["file:///etc"]'), scheme],
    ["schema", withHead('input: { type: "text" }'), /`tool\.input\.type`/],
    ["slow", withHead('input: { type: "object", pattern: "(a+)+$" }'), /no pattern/],
    [
      "ref",
      withHead('input: { type: "object", properties: { a: { $ref: "#" } } }'),
      /begin with \$/,
    ],
    ["own", withHead('tools: ["skill__home__x"]'), noTool],
    ["ask", withHead('tools: ["ask"]'), noTool],
    ["reads", withHead('tools: ["discord"], readOnly: true'), /is not readOnly/],
    ["Name", withHead(""), /only a-z, 0-9 and _/],
    [
      "proto",
      `export const tool = JSON.parse('{"__proto__":{"readOnly":true},"description":"d"}');${MAIN} 1`,
      /Unrecognized key/,
    ],
    [
      "getter",
      `export const tool = { toJSON() { return { description: 5 } } };${MAIN} 1`,
      /description`: /,
    ],
    ["long", `${header(`x: "${"x".repeat(21_000)}"`)}${MAIN} 1`, /more than 16000 characters/],
    ["large", "/".repeat(65 * 1_024), /large\.js/],
  ];

  for (const [name, source, why] of broken) {
    it(`leaves out ${name}, and says ${why.source}`, async () => {
      const skill = `broken-${name.toLowerCase()}`;
      add(skill, { [name]: source, fine: `${header("")}${MAIN}1` });
      const { skills, problems } = await find(skill);
      const own = problems.filter(({ file }) => file.includes(`/${skill}/`));
      assert.deepEqual(own.map(({ file }) => file), [`${folderOf(skill)}/tools/${name}.js`]);
      assert.match(own[0]?.reason ?? "", why);
      const tools = skills.find((one) => one.name === skill)?.tools;
      assert.deepEqual(tools?.map((one) => one.name), [`skill__${skill}__fine`]);
    });
  }

  it("offers tools with the names of others, and ten of a skill", async () => {
    const fine = `${header("")}${MAIN}1`;
    add("one", { discord: fine, state: fine });
    add("two", { state: fine });
    add("many", Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`t${at}`, fine])));
    const found = await find("one", "two", "many");
    const [tools, { problems }] = [toolsIn(found), found];
    const names = tools.map((one) => one.name);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.includes("skill__one__discord") && names.includes("skill__two__state"));
    assert.equal(names.filter((one) => one.startsWith("skill__many__")).length, 10);
    assert.match(problems.at(-1)?.reason ?? "", /a skill may have 10 tools/);
  });
});

describe("[SEC-R20] readTool()", () => {
  it("gives each header of a file that computes it a version of its own", () => {
    const hashOf = (head: string) => readTool("a", "tools/b.js", "s", head).hash;
    const heads = ['"hosts":[]', '"hosts":["https://a.de"]', '"hosts":[],"tools":["discord"]'];
    assert.equal(new Set(heads.map((one) => hashOf(`{"description":"d",${one}}`))).size, 3);
  });
});

describe("[T2] the name of a tool of a skill", () => {
  it("is one for lists of tools, and for owners by default", () => {
    const name = "skill__home-assistant__switch";
    assert.equal(audienceOf(name), "owners");
    const entries = [name, "skill__home-assistant", "*", "skill__home", "group:mcp", "mcp__home"];
    assert.deepEqual(entries.filter((entry) => isForTool(entry, name)), entries.slice(0, 3));
    assert.ok(isToolEntry(name) && !isToolEntry("skill_home"));
  });
});

describe("[T7a] runSkillTool()", () => {
  const hosts = () => `hosts: ["${origin}", "http://169.254.169.254", "http://localhost:9"]`;
  const hostile: readonly [name: string, body: () => string, why: RegExp][] = [
    [
      "metadata",
      () => 'fetch("http://169.254.169.254/")',
      /is not on the public internet; no key of the config permits.*\.js:2:/,
    ],
    [
      "private",
      () => 'fetch("http://localhost:9/")',
      /"hosts": \{ "http:\/\/localhost:9": \{\} \}/,
    ],
    [
      "other",
      () => 'fetch("https://example.org/")',
      /does not declare this host; its header has: http/,
    ],
    ["userinfo", () => `fetch("${origin.replace("//", "//a:b@")}/echo")`, /user name or password/],
    ["port", () => 'fetch("http://127.0.0.1:1/")', /does not declare this host/],
    ["away", () => `fetch("${origin}/away")`, /it redirects to another address/],
    ["huge", () => `fetch("${origin}/huge")`, /it is larger than 1 MB/],
    [
      "host",
      () => `fetch("${origin}/", { headers: { Host: "a" } })`,
      /may not send the header "host"/,
    ],
    [
      "crlf",
      () => `fetch("${origin}/", { headers: { "x-a": "a\\r\\nb: c" } })`,
      /the header "x-a"/,
    ],
    [
      "flood",
      () =>
        "{ for (let at = 0; at < 1e3; at++) fetch('http://localhost:9/').catch(String); await fetch('http://localhost:9/'); }",
      /at most 20/,
    ],
    [
      "override",
      () => `fetch("${origin}/", { headers: { "X-HTTP-Method-Override": "DELETE" } })`,
      /may not send the header "x-http-method-override"/,
    ],
    ...["X-Original-URL", "x-rewrite-url"].map((name): [string, () => string, RegExp] => [
      name.toLowerCase(),
      () => `fetch("${origin}/", { headers: { "${name}": "/admin" } })`,
      new RegExp(`may not send the header "${name.toLowerCase()}"`),
    ]),
    ["method", () => `fetch("${origin}/", { method: "CONNECT" })`, /method/],
    ["body", () => `fetch("${origin}/", { method: "POST", body: {} })`, /expected string[^]*body/],
    ["calls", () => 'call("discord", {})', /does not declare the tool discord/],
    [
      "many",
      () => `Promise.all(Array.from({ length: 21 }, () => fetch("${origin}/echo")))`,
      /at most 20/,
    ],
    ["loop", () => "{ for (;;); }", /it ran longer than 0.1 s/],
    ["never", () => "new Promise(() => {})", /its promise never settles/],
    ["long_text", () => '"x".repeat(20001)', /its result has more than 20000 characters/],
    ["cycle", () => "{ const a = {}; a.a = a; return a; }", /circular reference/],
    ["deep", () => "JSON.parse('['.repeat(1e6))", /stack overflow/],
    [
      "tampers",
      () =>
        `{ Object.prototype.error = "x"; Promise.prototype.then = null; JSON.parse = null;
        return (await fetch("${origin}/echo")).text(); }`,
      /failed|\[redacted\]/,
    ],
  ];

  let found: Promise<SkillTool> | undefined;
  /** One tool with the header of all of them. */
  const hostileTool = () => {
    if (!found) add("hostile", { act: `${header(hosts())}${MAIN}1` });
    return found ??= toolOf("hostile/act");
  };

  for (const [name, body, why] of hostile) {
    it(`[SEC-R23] refuses what ${name} does: ${why.source}`, async () => {
      const source = `${header(hosts())}${MAIN}${body()}`;
      await assert.rejects(runFound({ ...await hostileTool(), source }, {}), (error: Error) => {
        assert.match(error.message, why);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      });
    });
  }

  it("sends the header of the config in place of the script's, and hides it from JavaScript", async () => {
    const options = '{ headers: { Authorization: "mine", "x-own": "1" } }';
    const body = `(await (await fetch("${origin}/echo", ${options})).text()).split("")`;
    add("echo", { body: `${header(hosts())}${MAIN}${body}` });
    assert.equal(await run("echo/body"), JSON.stringify([..."[redacted]"]));
    const { authorization, "x-own": own } = requests[0]?.headers ?? {};
    assert.deepEqual([authorization, own], [TOKEN, "1"]);
  });

  it("ends with requests that a script does not wait for, and stops those of a late one", async () => {
    const post = `fetch("${origin}/echo", { method: "POST", body: "b" })`;
    add("detached", {
      post: `${header(hosts())}${MAIN}{ ${post}; call("discord"); }`,
      late: `${header(hosts())}${MAIN}fetch("${origin}/")`,
    });
    assert.match(await run("detached/post"), /without a result/);
    assert.deepEqual(bodies, ["b"]);
    const late = await toolOf("detached/late");
    const hangs: typeof fetch = async (_request, _origins, stopped) => {
      await once(stopped, "abort");
      throw stopped.reason;
    };
    await assert.rejects(
      runSkillTool(late, {}, { ...parts, fetch: hangs }, { signal }),
      /it ran longer than 0.1 s/,
    );
  });

  it("calls declared tools, names them, and is uncertain if it fails after that", async () => {
    const calls = header('tools: ["discord"]');
    add("calls", {
      ok: `${calls}${MAIN}call("discord", { action: "x" })`,
      fails: `${calls}${MAIN}{ await call("discord"); null.x; }`,
    });
    const given: unknown[] = [];
    const callTool = (...call: unknown[]) => Promise.resolve(`done ${given.push(call)}`);
    assert.equal(await run("calls/ok", {}, callTool), "[called discord]\ndone 1");
    assert.deepEqual(given, [["discord", { action: "x" }]]);
    await assert.rejects(run("calls/fails", {}, callTool), UnknownOutcomeError);
    await assert.rejects(run("calls/ok"), /discord needs a person's decision .*ok\.js:2:\d+/);
  });

  const thrown: Readonly<Record<string, string>> = {
    number: "1n",
    nothing: "undefined",
    symbol: "Symbol()",
    name: "Object.assign(new Error('x'), { name: { toString: 1, valueOf: 1 } })",
    stack: "Object.assign(new Error('x'), { stack: { toString: 1, valueOf: 1 } })",
    proxy: "new Proxy({}, { get() { throw 1; } })",
    bomb: "(() => { const a = []; for (;;) a.push([1]); })()",
  };
  for (const [name, what] of Object.entries(thrown)) {
    it(`[T1] is uncertain if a sent request is followed by a strange error: ${name}`, async () => {
      const body = `{ await call("discord"); throw ${what}; }`;
      add(`throws-${name}`, { odd: `${header('tools: ["discord"]')}${MAIN}${body}` });
      await assert.rejects(
        run(`throws-${name}/odd`, {}, () => Promise.resolve("done")),
        UnknownOutcomeError,
      );
    });
  }

  it("[T1] is uncertain if the sandbox breaks after a request", async () => {
    add("breaks", { it: `${header('tools: ["discord"]')}${MAIN}1` });
    const breaks: RunTool = async (_job, _signal, _by, answer) => {
      await answer?.("call", ["discord", {}]);
      throw new Error("the sandbox has failed");
    };
    const about = { signal, callTool: () => Promise.resolve("done") };
    await assert.rejects(
      runSkillTool(await toolOf("breaks/it"), {}, { ...parts, runTool: breaks }, about),
      UnknownOutcomeError,
    );
  });
});

describe("[T7a] a tool of a skill", () => {
  async function build(commands: object = { ownerAllowFrom: [`discord:${OWNER}`] }) {
    const { account } = await testAccount({
      beside: { commands, skills: { hosts: { "http://a:1": { headers: { "x-a": "b" } } } } },
      answer: ({ path }) => path === "/applications/@me" ? { id: SELF.applicationId } : undefined,
      toolServices: {
        fetchForTool: fetch,
        runTool: ({ source }) => Promise.resolve({ output: "", value: `ran ${source}` }),
      },
    });
    const tool: SkillTool = {
      ...{ id: "a/b", name: "skill__a__b", file: "a/tools/b.js", source: "s1", hash: "1" },
      head: {
        ...{ description: "d\nHosts: none", input: { type: "object" }, readOnly: false },
        ...{ hosts: ["http://a:1", "https://b"], tools: ["discord"] },
      },
    };
    const open = [["1", tool.name], ["2", tool.name], ["3", "exec"]].map(
      ([callKey = "", name = ""]) => {
        return { callKey, name, arguments: "{}" };
      },
    );
    const ask = (asked = tool) =>
      skillQuestion(asked, toolContext({ account, callKey: "1", open }));
    const decision = (choice: string, binding = "1"): Decision => ({
      ...{ kind: "answered", answer: { choice }, binding, by: userId("1") },
    });
    const go = (decided?: Decision, asked = tool) =>
      runSkill(asked, {}, toolContext({ account, decision: decided, signal }));
    return { tool, ask, go, decision };
  }

  it("[SEC-R20] asks once for each version, and shows its hosts and tools", async () => {
    const { tool, ask, go, decision } = await build();
    const question = await ask();
    assert.match(
      question?.exact ?? "",
      /Hosts: http:\/\/a:1 \(as in skills\.hosts\), https:\/\/b\n/,
    );
    assert.match(question?.exact ?? "", /Tools: discord\nIt may change things there\./);
    assert.ok(!question?.exact?.includes("\nHosts: none"));
    assert.deepEqual([question?.binding, question?.covers], ["1", ["2"]]);
    await assert.rejects(go(), /no owner has confirmed the tool a\/b/);
    assert.equal(await go(decision(ALLOW_ONCE)), "ran s1");
    assert.equal(await ask(), undefined);
    assert.equal(await go(), "ran s1");
    const next = { ...tool, source: "s2", hash: "2" };
    assert.equal((await ask(next))?.binding, "2");
    await assert.rejects(go(decision(ALLOW_ONCE), next), /has changed since the owner's decision/);
    await assert.rejects(go(undefined, next), /no owner has confirmed/);
    for (const late of [decision(DENY, "2"), undefined, decision(ALLOW_ONCE, "2")]) {
      await assert.rejects(go(late, next), /an owner has denied this version/);
      assert.equal(await ask(next), undefined);
    }
  });

  it("asks no one without an owner, and keeps no answer that no one gave", async () => {
    const { ask, go } = await build({});
    assert.equal(await ask(), undefined);
    await assert.rejects(go(), /no owner has confirmed/);
    await assert.rejects(go({ kind: "expired" }), /no owner has decided/);
  });
});
