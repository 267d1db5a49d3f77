/** Tests `barnacle skill` with files of skills: broken and hostile ones, and the examples. */

import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { check, test } from "../../../src/extras/skill_tools/skill.ts";
import { recordingIo } from "../../cli/io.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const EXAMPLES = join(import.meta.dirname ?? "", "..", "..", "..", "examples", "skills");
const header = (more: string) => `export const tool = { description: "d", ${more} };\n`;
const MAIN = "export default async (input, { fetch, call }) => ";

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
const flags = { config: join(root, "config.jsonc"), data: join(root, "data"), json: false };

function add(skill: string, tools: Readonly<Record<string, string>>): void {
  const folder = join(root, "skills", skill, "tools");
  mkdirSync(folder, { recursive: true });
  const front = `---\nname: ${skill}\ndescription: About ${skill}\n---\n`;
  writeFileSync(join(folder, "..", "SKILL.md"), front);
  for (const [name, text] of Object.entries(tools)) writeFileSync(join(folder, `${name}.js`), text);
}

async function run(name: string, input = {}) {
  requests = [];
  bodies = [];
  const io = recordingIo({ HOME: root, TOKEN: "hunter2hunter2" });
  const code = await test(flags, name, JSON.stringify(input), io);
  return { code, text: [...io.stdout, ...io.stderr].join("\n") };
}

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const headers = { authorization: "${TOKEN}" };
  const skills = { folders: ["skills"], hosts: { [origin]: { headers } } };
  writeFileSync(flags.config, JSON.stringify({ skills }));
  for (const name of readdirSync(EXAMPLES)) {
    const folder = join(root, "skills", name);
    cpSync(join(EXAMPLES, name), folder, { recursive: true });
    for (const file of readdirSync(join(folder, "tools"))) {
      const path = join(folder, "tools", file);
      const source = readFileSync(path, "utf8");
      writeFileSync(path, source.replace(/https?:\/\/[\w.-]+(?::\d+)?(?=["/])/g, origin));
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
    ["forecast", { place: "Kiel" }, /"place":"Kiel".*"temperature_2m":7.5/, /^GET .*latitude=54.3/],
    [
      "states",
      { name: "DESK" },
      /^\[\{"entity_id":"light.desk","name":"Desk","state":"off"\}\]$/,
      /^GET/,
    ],
    ["switch", { entity_id: "light.desk", to: "on" }, /^light.desk is on\.$/, /^POST .*turn_on/],
    ["jellyfin/state", {}, /"server":"attic".*"title":"Tides","by":"ada","on":"TV"/, /^GET/],
  ];
  for (const [name, input, result, asked] of examples) {
    it(`${name} asks its server, with the token of the config`, async () => {
      const { code, text } = await run(name, input);
      assert.match(text, result);
      assert.equal(code, 0);
      const last = requests.at(-1);
      assert.match(`${last?.method} ${last?.url}`, asked);
      assert.equal(last?.headers.authorization, "hunter2hunter2");
    });
  }

  it("send the body of a request", async () => {
    await run("switch", { entity_id: "light.desk", to: "on" });
    assert.deepEqual(bodies, ['{"entity_id":"light.desk"}']);
    assert.match(
      (await run("switch", { entity_id: "lock.door", to: "on" })).text,
      /cannot be switched/,
    );
    assert.equal(requests.length, 0);
  });
});

describe("[T7a] barnacle skill check", () => {
  const broken: readonly [name: string, source: string, why: RegExp][] = [
    [
      "syntax",
      "export const tool = {\n  a: ;\n};",
      /SyntaxError: .*\(broken\/tools\/syntax\.js:2:6\)/,
    ],
    ["throws", "\n null.x", /TypeError: .*\(broken\/tools\/throws\.js:2:8\)/],
    ["loops", "for (;;);", /it ran longer than 5 s/],
    ["eats", "const a = []; for (;;) a.push(new Array(1e6).fill(1));", /more than 64 MB/],
    ["waits", "await new Promise(() => {});", /its promise never settles/],
    ["files", 'import { readFileSync } from "node:fs";', /could not load module 'node:fs'/],
    ["reaches", `${header("a: fetch")}`, /'fetch' is not defined/],
    ["empty", "", /expected `export const tool/],
    ["headless", `${MAIN} 1`, /expected `export const tool/],
    ["mainless", header(""), /expected `export const tool/],
    ["key", `${header("host: []")}${MAIN} 1`, /`tool`: Unrecognized key: "host"/],
    [
      "slash",
      `${header('hosts: ["https://a.de/"]')}${MAIN} 1`,
      /`tool\.hosts\.0`: Expected scheme/,
    ],
    [
      "user",
      `${header('hosts: ["https://u@a.de"]')}${MAIN} 1`,
      /`tool\.hosts\.0`: Expected scheme/,
    ],
    [
      "idn",
      `${header('hosts: ["https://аpple.com"]')}${MAIN} 1`,
      /`tool\.hosts\.0`: Expected scheme/,
    ],
    ["scheme", `${header('hosts: ["file:///etc"]')}${MAIN} 1`, /`tool\.hosts\.0`: Expected scheme/],
    ["schema", `${header('input: { type: "text" }')}${MAIN} 1`, /`tool\.input\.type`/],
    ["slow", `${header('input: { type: "object", pattern: "(a+)+$" }')}${MAIN} 1`, /no pattern/],
    [
      "ref",
      `${header('input: { type: "object", properties: { a: { $ref: "#" } } }')}${MAIN} 1`,
      /begin with \$/,
    ],
    [
      "own",
      `${header('tools: ["skill__home__x"]')}${MAIN} 1`,
      /`tool\.tools\.0`: there is no tool/,
    ],
    ["ask", `${header('tools: ["ask"]')}${MAIN} 1`, /`tool\.tools\.0`: there is no tool/],
    ["reads", `${header('tools: ["discord"], readOnly: true')}${MAIN} 1`, /is not readOnly/],
    ["Name", `${header("")}${MAIN} 1`, /only a-z, 0-9 and _/],
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
    ["long", `${header(`x: "${"x".repeat(21_000)}"`)}${MAIN} 1`, /more than 20000 characters/],
    ["large", "/".repeat(65 * 1_024), /broken\/tools\/large\.js: .*large\.js/],
  ];

  it("names the fault of each file, and offers the others", async () => {
    // More than ten tools of a skill are a fault of their own.
    add("broken", Object.fromEntries(broken.map(([name, source]) => [name, source])));
    add("fine", { discord: `${header("")}${MAIN} 1`, state: `${header("")}${MAIN} 1` });
    const io = recordingIo({ HOME: root, TOKEN: "hunter2hunter2" });
    assert.equal(await check(flags, join(root, "skills"), io), 1);
    for (const [name, , why] of broken) {
      const line = io.stderr.find((one) => one.includes(`/broken/tools/${name}.js: `));
      assert.match(line ?? `no line about ${name} in ${io.stderr}`, why);
    }
    assert.equal(io.stderr.length, broken.length);
    assert.match(io.stdout.join("\n"), /fine\/discord .* may change things {2}no hosts, no tools/);
  });
});

describe("[T7a] barnacle skill test", () => {
  const hosts = () => `hosts: ["${origin}", "http://169.254.169.254", "http://localhost:9"]`;
  const hostile: readonly [name: string, body: () => string, why: RegExp][] = [
    [
      "metadata",
      () => 'fetch("http://169.254.169.254/")',
      /is not on the public internet.*\.js:2:/,
    ],
    ["private", () => 'fetch("http://localhost:9/")', /localhost is not on the public internet/],
    [
      "other",
      () => 'fetch("https://example.org/")',
      /does not declare this host; its header has: http/,
    ],
    ["userinfo", () => `fetch("${origin.replace("//", "//a:b@")}/echo")`, /user name or password/],
    ["port", () => 'fetch("http://127.0.0.1:1/")', /does not declare this host/],
    [
      "away",
      () => `fetch("${origin}/away")`,
      /redirects to http:\/\/127\.0\.0\.1:1, and a tool follows/,
    ],
    ["huge", () => `fetch("${origin}/huge")`, /cannot be read: it is larger than 1 MB/],
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
    ["method", () => `fetch("${origin}/", { method: "CONNECT" })`, /argument 2\.method/],
    ["body", () => `fetch("${origin}/", { method: "POST", body: {} })`, /argument 2\.body/],
    ["calls", () => 'call("discord", {})', /does not declare the tool discord/],
    [
      "many",
      () => `Promise.all(Array.from({ length: 21 }, () => fetch("${origin}/echo")))`,
      /at most 20/,
    ],
    ["loop", () => "{ for (;;); }", /it ran longer than 10 s/],
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

  it("tells each fault in one sentence, with the line, and reaches nothing else", async () => {
    const files = hostile.map(([name, body]) => [name, `${header(hosts())}${MAIN}${body()}`]);
    add("hostile", Object.fromEntries(files.slice(0, 10)));
    add("hostile-too", Object.fromEntries(files.slice(10)));
    for (const [name, , why] of hostile) {
      const { text } = await run(name);
      assert.match(text, why, name);
      assert.doesNotMatch(text, /hunter2/, name);
    }
  });

  it("hides the token of the config from JavaScript", async () => {
    add("echo", {
      body: `${header(hosts())}${MAIN}(await (await fetch("${origin}/echo")).text()).split("")`,
    });
    const { text } = await run("body");
    assert.equal(text, JSON.stringify([..."[redacted]"]));
  });

  const wrong: readonly [name: string, input: unknown, why: RegExp][] = [
    ["none", {}, /no tool has the name "none"; there are: .*weather\/forecast/],
    ["state", {}, /several tools have the name "state"/],
    ["forecast", { place: 5 }, /the input does not fit/],
    ["forecast", { place: "x".repeat(101) }, /the input does not fit/],
  ];
  for (const [name, input, why] of wrong) {
    it(`says ${why.source}`, async () => {
      add("fine", { state: `${header("")}${MAIN} 1` });
      assert.match((await run(name, input as object)).text, why);
    });
  }
});
