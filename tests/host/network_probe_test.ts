import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import net from "node:net";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import tls from "node:tls";
import { promisify } from "node:util";
import { probeHttp, probeReachability } from "../../src/host/network_probe.ts";
import type { Reachability } from "../../src/lib/network/reachability.ts";
import { cleanUpAfterEach } from "../support/cleanups.ts";
import { SELF_SIGNED_CERT, SELF_SIGNED_KEY } from "../support/network/self_signed.ts";
import { tempDirectory } from "../support/temp_directory.ts";
import { LOCALHOST_CERT, LOCALHOST_KEY, TEST_CA } from "../support/network/test_ca.ts";

const AGENT = "DiscordBot (https://example.org, 1.0.0)";

const cleanups = cleanUpAfterEach();

/** The prober's clock does not advance, so the skew does not depend on the machine's speed. */

const MS = 60_000;

/** Listens on loopback until the test is over. */
async function listen(server: net.Server, host = "127.0.0.1"): Promise<number> {
  const sockets = new Set<net.Socket>();
  const hold = (socket: net.Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}); // the prober hangs up
  };
  server.on("connection", hold);
  server.on("secureConnection", hold);
  server.on("tlsClientError", () => {}); // of who does not trust us
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  cleanups.push(() =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    })
  );
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

const kinds = ({ dns, tcp, tls }: Reachability) => [dns.kind, tcp.kind, tls.kind];

describe("[G13] probeReachability()", () => {
  it("reports a name that does not resolve, and stops there", async () => {
    const reach = await probeReachability("https://discord.invalid", undefined, MS);
    assert.deepEqual(kinds(reach), ["failed", "skipped", "skipped"]);
    assert.ok(reach.dns.kind === "failed" && /^(?:ENOTFOUND|EAI_AGAIN)$/.test(reach.dns.code));
  });

  it("reports a host that refuses connections", async () => {
    const reach = await probeReachability("https://127.0.0.1:9", undefined, MS);
    assert.deepEqual(kinds(reach), ["skipped", "failed", "skipped"]);
    assert.ok(reach.tcp.kind === "failed");
    assert.equal(reach.tcp.code, "ECONNREFUSED");
  });

  it("reports a server that does not speak TLS", async () => {
    const port = await listen(net.createServer((socket) => socket.end("SSH-2.0-x\r\n")));
    const reach = await probeReachability(`https://127.0.0.1:${port}`, undefined, MS);
    assert.deepEqual(kinds(reach), ["skipped", "ok", "failed"]);
  });

  it("reports a server that does not answer a TLS greeting, in time", async () => {
    const port = await listen(net.createServer());
    const reach = await probeReachability(`https://127.0.0.1:${port}`, undefined, 2_000);
    assert.ok(reach.tls.kind === "failed");
    assert.equal(reach.tls.code, "no answer in time");
  });

  it("names the issuer of an untrusted certificate", async () => {
    const heard: string[] = [];
    const server = tls.createServer(
      { key: SELF_SIGNED_KEY, cert: SELF_SIGNED_CERT },
      (socket) => socket.on("data", (data) => void heard.push(String(data))),
    );
    const port = await listen(server);
    const reach = await probeReachability(`wss://localhost:${port}`, undefined, MS);
    assert.ok(reach.tls.kind === "ok");
    const { refused, issuer, protocol, validTo } = reach.tls.found;
    assert.equal(refused, "DEPTH_ZERO_SELF_SIGNED_CERT");
    assert.equal(issuer, "localhost");
    assert.match(protocol, /^TLSv1\.[23]$/);
    assert.ok(validTo > Date.now());
    assert.deepEqual(heard, [], "nothing is sent to an untrusted server");
  });

  it("skips TLS for this machine's own ws:", async () => {
    const port = await listen(net.createServer());
    const reach = await probeReachability(`ws://localhost:${port}`, undefined, MS);
    assert.deepEqual(kinds(reach), ["ok", "ok", "skipped"]);
    assert.ok(reach.tls.kind === "skipped" && reach.tls.why === "none");
  });

  it("[G15] probes the proxy if there is one, and names it without its password", async () => {
    const port = await listen(net.createServer());
    const proxy = `http://ann:secret@127.0.0.1:${port}`;
    const reach = await probeReachability("https://discord.invalid", proxy, MS);
    assert.deepEqual(kinds(reach), ["skipped", "ok", "skipped"]);
    assert.equal(reach.proxy, `127.0.0.1:${port}`);
    assert.equal(reach.host, "discord.invalid");
    assert.doesNotMatch(JSON.stringify(reach), /secret|ann/);
  });

  it("judges a valid certificate, and one for another name, by the system's authorities", async () => {
    const options = { key: LOCALHOST_KEY, cert: LOCALHOST_CERT };
    const port = await listen(tls.createServer(options), "0.0.0.0");
    using folder = tempDirectory();
    const ca = join(folder.path, "ca.pem");
    writeFileSync(ca, TEST_CA);
    const script = join(import.meta.dirname!, "..", "support", "network", "reach_client.ts");
    const args = process.versions["deno"] ? ["run", "-A", "--no-check", "--quiet"] : [];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...args, script, `https://localhost:${port}`, `https://127.0.0.2:${port}`],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: ca }, timeout: 120_000 },
    );
    const [right, wrong]: Reachability[] = JSON.parse(stdout);
    assert.ok(right?.tls.kind === "ok");
    assert.equal(right.tls.found.refused, undefined);
    assert.equal(right.tls.found.issuer, "Barnacle test CA");
    assert.ok(wrong?.tls.kind === "ok");
    assert.equal(wrong.tls.found.refused, "ERR_TLS_CERT_ALTNAME_INVALID");
  });
});

describe("[G13] probeHttp()", () => {
  async function ask(answer: RequestListener, timeoutMs = MS) {
    const port = await listen(createServer(answer));
    return await probeHttp(`http://127.0.0.1:${port}/api/v10/gateway`, AGENT, timeoutMs);
  }

  it("reads the server's name and answer, and sends the User-Agent", async () => {
    let agent: string | undefined;
    const stage = await ask((request, response) => {
      agent = request.headers["user-agent"];
      response.setHeader("server", "Cloudflare");
      response.end('{"url":"wss://gateway.discord.gg"}');
    });
    assert.ok(stage.kind === "ok");
    const { status, server, json } = stage.found;
    assert.deepEqual({ status, server, json }, {
      status: 200,
      server: "cloudflare",
      json: { url: "wss://gateway.discord.gg" },
    });
    assert.equal(agent, AGENT, "Discord turns away who does not say it");
  });

  it("measures a right, a fast and a slow clock", async () => {
    for (const wrongMs of [0, -60_000, 90_000]) {
      const stage = await ask((_, response) => {
        response.setHeader("date", new Date(Date.now() - wrongMs).toUTCString());
        response.end("{}");
      });
      assert.ok(stage.kind === "ok");
      assert.ok(Math.abs((stage.found.skewMs ?? NaN) - wrongMs) < 5_000);
    }
  });

  it("follows no redirect", async () => {
    let asked = 0;
    const stage = await ask((_, response) => {
      asked++;
      response.writeHead(302, { location: "http://login.cafe/?from=here" }).end("<html>");
    });
    assert.ok(stage.kind === "ok");
    assert.equal(stage.found.location, "http://login.cafe/?from=here");
    assert.equal(stage.found.json, undefined);
    assert.equal(asked, 1);
  });

  it("abandons a server that never answers, and one that never finishes", async () => {
    const silent = await ask(() => {}, 100);
    assert.ok(silent.kind === "failed" && silent.code === "no answer in time");
    const endless = await ask((_, response) => void response.write("{"), 100);
    assert.ok(endless.kind === "failed" && endless.code === "no answer in time");
  });

  it("fails with a text without a URL", async () => {
    const stage = await probeHttp("http://127.0.0.1:7/secret-path", AGENT, MS);
    assert.ok(stage.kind === "failed");
    assert.doesNotMatch(stage.code, /secret-path|:\/\//);
  });
});
