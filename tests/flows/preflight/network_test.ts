import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startLog } from "../../../src/log.ts";
import { judgeNetwork, type NetworkFacts } from "../../../src/flows/preflight/network.ts";
import type { HttpFound, Reachability, Stage } from "../../../src/lib/network/reachability.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const IN_A_YEAR = Date.parse("2027-11-20T12:00:00Z");
const EARLIER = { kind: "skipped", why: "earlier" } as const;

const REACH: Reachability = {
  host: "discord.com",
  port: 443,
  dns: { kind: "ok", ms: 4, found: { addresses: ["162.159.1.1", "2606::1"] } },
  tcp: {
    kind: "ok",
    ms: 9,
    found: {
      address: "162.159.1.1",
      tried: [{ address: "162.159.1.1", ms: 9 }, { address: "2606::1", code: "ENETUNREACH" }],
    },
  },
  tls: {
    kind: "ok",
    ms: 20,
    found: { protocol: "TLSv1.3", issuer: "Google Trust Services", validTo: IN_A_YEAR },
  },
};

const ANSWER: HttpFound = {
  status: 200,
  server: "cloudflare",
  json: { url: "wss://gateway.discord.gg" },
  skewMs: 300,
};

const GATEWAY: NonNullable<NetworkFacts["gateway"]> = {
  reach: { ...REACH, host: "gateway.discord.gg" },
  hello: { kind: "ok", ms: 130, found: { openMs: 90, heartbeatIntervalMs: 41_250 } },
};

const FACTS: NetworkFacts = {
  rest: { reach: REACH, http: { kind: "ok", ms: 60, found: ANSWER } },
  gateway: GATEWAY,
  isContainer: false,
  unusableProxies: [],
  showsDns: true,
  expectsGateway: true,
};

const withReach = (
  reach: Partial<Reachability>,
  http: Stage<HttpFound> = EARLIER,
): NetworkFacts => ({ ...FACTS, rest: { reach: { ...REACH, ...reach }, http } });

const answering = (found: Partial<HttpFound>): NetworkFacts => ({
  ...FACTS,
  rest: { reach: REACH, http: { kind: "ok", ms: 1, found: { ...ANSWER, ...found } } },
});

const page = (status: number, more: Partial<HttpFound> = {}): NetworkFacts => {
  const { json: _, ...rest } = ANSWER;
  const found = { ...rest, server: "", status, ...more };
  return { ...FACTS, rest: { reach: REACH, http: { kind: "ok", ms: 1, found } } };
};

function row(facts: NetworkFacts, id: string) {
  const found = judgeNetwork(facts, NOW).find((one) => one.id === id);
  assert.ok(found, `no row ${id}`);
  return found;
}

describe("[G13] judgeNetwork()", () => {
  it("has a row for each step, and passes all of a working network", () => {
    const findings = judgeNetwork(FACTS, NOW);
    assert.deepEqual(findings.map(({ id }) => id), [
      "network.rest.dns",
      "network.rest.tcp",
      "network.rest.tls",
      "network.rest.http",
      "network.clock",
      "network.gateway.dns",
      "network.gateway.tcp",
      "network.gateway.tls",
      "network.gateway.websocket",
    ]);
    assert.deepEqual(findings.filter(({ status }) => status !== "pass"), []);
    assert.deepEqual(findings.filter(({ fix }) => fix !== undefined), []);
    const names = [row(FACTS, "network.rest.tcp").what, row(FACTS, "network.gateway.tcp").what];
    assert.deepEqual(names, ["REST API: TCP", "Gateway: TCP"]);
    const { length } = judgeNetwork({ ...FACTS, showsDns: false }, NOW);
    assert.equal(length, findings.length - 2);
  });

  const failed = (code: string) => ({ kind: "failed", ms: 5, code }) as const;
  const tls = (refused: string, issuer = "Evil Corp") =>
    withReach({
      tls: { kind: "ok", ms: 1, found: { protocol: "TLSv1.3", issuer, validTo: NOW, refused } },
    });
  const gateway = (code: string) => ({ ...FACTS, gateway: { ...GATEWAY, hello: failed(code) } });
  const noName = { dns: failed("ENOTFOUND"), tcp: EARLIER, tls: EARLIER };
  const noTcp = { tcp: failed("ECONNRESET"), tls: EARLIER };
  const slow = answering({ status: 429, retryAfterSec: 61 });
  const container = { ...withReach(noName), isContainer: true };
  const noProxy = { ...FACTS, unusableProxies: [{ variable: "ALL_PROXY", why: "it is no URL" }] };
  const RESET = "ECONNRESET";
  const asksWho = "the proxy asks for a user and password (407)";
  const page302 = page(302, { location: "http://login.cafe/?mac=1" });
  /** The row, and words of its reason and of the next step. */
  const rows: readonly (readonly [name: string, words: RegExp, facts: NetworkFacts])[] = [
    ["rest.dns fail", /ENOTFOUND.* → .*docker run --dns 1\.1\.1\.1/, container], // O8
    ["rest.tls fail", /valid TLS.*EPROTO.* → .*HTTPS_PROXY/, withReach({ tls: failed("EPROTO") })],
    ["rest.tls fail", /Evil Corp, valid until 2026-11-20.* → .*clock/, tls("CERT_HAS_EXPIRED")],
    ["rest.tls fail", /server answers for discord\.com/, tls("ERR_TLS_CERT_ALTNAME_INVALID")],
    ["rest.tls fail", /by Evil Corp.* → .*NODE_EXTRA_CA_CERTS/, tls("SELF_SIGNED_CERT_IN_CHAIN")],
    ["rest.http fail", /no answer.*ECONNRESET.* → .*try again/, withReach({}, failed(RESET))],
    ["rest.http fail", /another server answers.* → .*browser/, page(200)],
    ["rest.http fail", /to login\.cafe \(HTTP 302\) → .*browser/, page302],
    ["rest.http fail", /another server answers.* → .*filter/, page(403)],
    ["rest.http fail", /too many requests.* → .*an hour$/, answering({ status: 429, server: "" })],
    ["rest.http fail", /too many requests.* → .*wait 2 min$/, slow],
    ["rest.http fail", /Cloudflare blocks.*403/, page(403, { server: "cloudflare" })],
    ["rest.http fail", /to login\.cafe/, answering({ location: "http://login.cafe" })],
    [
      "rest.http fail",
      /no answer.* → .*the proxy p:1 to/,
      withReach({ proxy: "p:1" }, failed(RESET)),
    ],
    ["rest.tcp fail", /com:443 cannot be reached.*RESET.* → allow this/, withReach(noTcp)],
    ["rest.tcp fail", /p:1 cannot be.* → check that the p/, withReach({ ...noTcp, proxy: "p:1" })],
    ["rest.tcp pass", /1\.1 in 9 ms, 2606::1 does not answer \(ENETUNREACH\)/, FACTS],
    ["rest.tcp skipped", /name was not found/, withReach(noName)],
    ["rest.tls skipped", /no connection/, withReach(noTcp)],
    ["gateway.websocket pass", /after 90 ms, .* every 41 s/, FACTS],
    ["gateway.websocket skipped", /URL is unknown/, { ...FACTS, gateway: undefined }],
    ["clock pass", /a few seconds/, answering({ skewMs: 5_000 })],
    ["clock warn", /5 s behind → .*set-ntp/, answering({ skewMs: -5_001 })],
    ["clock warn", /5 s ahead/, answering({ skewMs: 5_001 })],
    ["rest.http warn", /problem of its own.* → .*discordstatus/, answering({ status: 503 })],
    ["gateway.websocket fail", /HTTP 403.* → .*WebSockets/, gateway("HTTP 403")],
    ["gateway.websocket fail", /407.* → .*HTTPS_PROXY, .* as USER:PASSWORD@.*t$/, gateway(asksWho)],
    ["gateway.websocket fail", /503.*CONNECT gateway/, gateway("the proxy refused (HTTP 503)")],
    ["proxy fail", /ALL_PROXY is set.* → .*ALL_PROXY=http/, noProxy], // G15
  ];
  for (const [name, words, facts] of rows) {
    it(`[O8] [G15] reports ${name} › ${words.source}`, () => {
      const [id, status] = name.split(" ");
      const found = row(facts, `network.${id}`);
      assert.equal(found.status, status);
      assert.match(`${found.why} → ${found.fix}`, words);
    });
  }

  it("[O10] writes nothing that the log would take for a secret", () => {
    const lines: string[] = [];
    const logging = startLog({
      level: "info",
      format: "json",
      write: (line) => void lines.push(line),
    });
    const log = logging.forPart("main");
    for (const [, , facts] of rows) {
      for (const { why, fix } of judgeNetwork(facts, NOW)) log.info(why, { fix });
    }
    logging.stop();
    assert.ok(lines.some((line) => line.includes("USER:PASSWORD@host:port")));
    assert.deepEqual(lines.filter((line) => line.includes("[redacted]")), []);
  });

  it("[G15] names the proxy, once", () => {
    const reach: Reachability = {
      ...REACH,
      proxy: "proxy.lan:3128",
      tls: { kind: "skipped", why: "proxy" },
    };
    const findings = judgeNetwork({
      ...FACTS,
      rest: { ...FACTS.rest, reach },
      gateway: { ...GATEWAY, reach: { ...reach, host: "gateway.discord.gg" } },
    }, NOW);
    const named = findings.filter(({ id }) => id === "network.proxy");
    assert.deepEqual(named.map(({ where, status }) => [where, status]), [[
      "proxy.lan:3128",
      "pass",
    ]]);
    assert.equal(findings.some(({ id }) => id.endsWith(".tls")), false);
    assert.equal(findings.find(({ id }) => id === "network.rest.tcp")?.where, "proxy.lan:3128");
  });
});
