import assert from "node:assert/strict";
import { createServer, Server } from "node:http";
import net from "node:net";
import { describe, it } from "node:test";
import tls from "node:tls";
import { ask, examineDiscord, examineNetwork } from "../../../src/flows/preflight/examine.ts";
import type { ApplicationId } from "../../../src/core/discord/ids.ts";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import { toIntents } from "../../../src/discord/gateway/read/intents.ts";
import { RestError, routeOf, toRestError } from "../../../src/discord/rest/exchange/exchange.ts";
import type { RestApi } from "../../../src/discord/rest/client/client.ts";
import type { Application } from "../../../src/discord/rest/requests/application.ts";
import type { ProbeAnswer } from "../../../src/flows/preflight/discord.ts";
import { startFakeGateway } from "../../support/gateway/fake_gateway.ts";
import { SELF_SIGNED_CERT, SELF_SIGNED_KEY } from "../../support/network/self_signed.ts";
import { listening } from "../../support/network/listening.ts";

const ID: ApplicationId = parseSnowflake<"application">("1500000000000000002")!;
/** None of these steps times out, however slow the machine is. */
const TIMEOUT_MS = 60_000;
const APPLICATION = { id: ID, name: "barnacle", flags: 0, needsCodeGrant: false, ownerIds: [] };
const refusal = (kind: "unauthorized" | "rate_limited" | "unsent") =>
  new RestError("failed", { kind, route: "GET /applications/@me" });

describe("[G13] examineDiscord()", () => {
  const INTENTS = toIntents("agent_recommended");
  const examine = (told: ProbeAnswer<Application>, request: RestApi["request"]) =>
    examineDiscord({ token: "x", told, api: { request } }, "DISCORD_BOT_TOKEN", INTENTS);

  it("collects Discord's view of the bot, and the intents left out", async () => {
    const told = { kind: "answered", found: APPLICATION } as const;
    const facts = await examine(told, () => Promise.resolve([{}]));
    assert.equal(facts.application, told);
    assert.deepEqual(facts.intents, { missing: ["message_content"], spared: ["guild_members"] });
    assert.deepEqual(facts.hasGuild, { kind: "answered", found: true });
  });

  it("sends a refused token once, because Discord counts such requests against the address", async () => {
    const told = { kind: "refused" } as const;
    assert.equal((await examine(told, () => assert.fail())).application, told);
  });
});

describe("[G13] examineNetwork()", () => {
  it("asks REST for the gateway's address if it has none", async () => {
    const gateway = await startFakeGateway();
    const rest = createServer((_, response) => void response.end(`{"url":"${gateway.url}"}`));
    try {
      const apiBase = `http://127.0.0.1:${await listen(rest)}/api`;
      const facts = await examineNetwork(
        { apiBase, env: {}, showsDns: true, opensGateway: true },
        TIMEOUT_MS,
      );
      assert.equal(facts.rest.http.kind, "ok");
      assert.equal(facts.gateway?.hello.kind, "ok");
      assert.match(gateway.connections[0]?.userAgent ?? "", /^DiscordBot \(https:.*, .+\)$/);
      assert.equal(gateway.received(2).length, 0, "nobody identifies");
    } finally {
      await gateway.stop();
      await close(rest);
    }
  });

  it("opens no gateway connection beside that of a running bot", async () => {
    let connections = 0;
    const gateway = net.createServer((socket) => {
      connections++;
      socket.destroy();
    });
    const gatewayUrl = `ws://127.0.0.1:${await listen(gateway)}`;
    const rest = createServer((_, response) =>
      void response.end(JSON.stringify({ url: gatewayUrl }))
    );
    try {
      const apiBase = `http://127.0.0.1:${await listen(rest)}/api`;
      const facts = await examineNetwork(
        { apiBase, gatewayUrl, env: {}, showsDns: true, opensGateway: false },
        TIMEOUT_MS,
      );
      assert.equal(facts.rest.http.kind, "ok");
      assert.deepEqual([facts.gateway, connections], [undefined, 0]);
    } finally {
      await close(gateway);
      await close(rest);
    }
  });

  it("uses the gateway that Discord names, and ignores the answer of a captive portal", async () => {
    const rest = createServer((_, response) => void response.end('{"url":"https://evil.example"}'));
    try {
      const apiBase = `http://127.0.0.1:${await listen(rest)}/api`;
      const facts = await examineNetwork(
        { apiBase, env: {}, showsDns: true, opensGateway: true },
        TIMEOUT_MS,
      );
      assert.equal(facts.gateway, undefined);
    } finally {
      await close(rest);
    }
  });

  it("sends no request to a server with an untrusted certificate", async () => {
    const heard: string[] = [];
    const server = tls.createServer(
      { key: SELF_SIGNED_KEY, cert: SELF_SIGNED_CERT },
      (socket) => {
        socket.on("error", () => {}); // the walker hangs up
        socket.on("data", (data) => void heard.push(String(data)));
      },
    );
    try {
      const port = await listen(server);
      const facts = await examineNetwork({
        apiBase: `https://localhost:${port}/api`,
        gatewayUrl: `wss://localhost:${port}`,
        env: {},
        showsDns: true,
        opensGateway: true,
      }, TIMEOUT_MS);
      assert.equal(facts.rest.http.kind, "skipped");
      assert.equal(facts.gateway?.hello.kind, "skipped");
      assert.deepEqual(heard, []);
    } finally {
      await close(server);
    }
  });
});

async function listen(server: net.Server): Promise<number> {
  return await listening(server);
}

function close(server: net.Server): Promise<void> {
  if (server instanceof Server) server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

describe("[G13] ask()", () => {
  const kinds = [["unauthorized", "refused"], ["rate_limited", "limited"], ["unsent", "failed"]];
  for (const [kind, asked] of kinds as ["unauthorized" | "rate_limited" | "unsent", string][]) {
    it(`reads ${asked} as ${kind}`, async () => {
      assert.equal((await ask(() => Promise.reject(refusal(kind)))).kind, asked);
    });
  }

  const answers: readonly (readonly [status: number, body: unknown, asked: string])[] = [
    [400, undefined, "foreign"],
    [403, undefined, "foreign"],
    [302, undefined, "foreign"],
    [400, { code: 50035, message: "Invalid Form Body" }, "failed"],
    [429, undefined, "limited"], // Cloudflare's block of an address
    [503, undefined, "failed"],
  ];
  for (const [status, body, asked] of answers) {
    it(`reads ${status} ${body ? JSON.stringify(body) : "with a page"} as ${asked}`, async () => {
      const error = toRestError(routeOf("GET", "/applications/@me"), status, body);
      assert.equal((await ask(() => Promise.reject(error))).kind, asked);
    });
  }

  it("abandons a client that waits out a rate limit", async () => {
    const never = new Promise<string>(() => {});
    const asked = await ask(() => never, 20);
    assert.deepEqual(asked, { kind: "failed", why: "no answer in time" });
  });

  it("rethrows a fault in Barnacle", async () => {
    await assert.rejects(ask(() => Promise.reject(new TypeError("ours"))), TypeError);
  });
});
