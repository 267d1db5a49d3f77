/** Plays the snippets of docs/reverse-proxy.md with the programs that are on this machine. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createDashboard } from "../../../src/features/dashboard/dashboard.ts";
import { startHttpServer } from "../../../src/host/http_server.ts";
import { freePort } from "../../support/network/free_port.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { withServed } from "./parts_fixture.ts";

const GUIDE = readFileSync("docs/reverse-proxy.md", "utf8");
const snippet = (kind: string) => new RegExp(`\`\`\`${kind}\n([^]*?)\`\`\``).exec(GUIDE)?.[1] ?? "";

interface Proxy {
  readonly argv: (file: string, folder: string) => readonly string[];
  /** The snippet with this test's ports, and without certificates. */
  readonly config: (own: number, bot: number, folder: string) => string;
}

const PROXIES: Readonly<Record<string, Proxy>> = {
  caddy: {
    argv: (file) => ["run", "--adapter", "caddyfile", "--config", file],
    config: (own, bot) =>
      "{\n\tadmin off\n}\n" +
      snippet("caddy").replace("home.example.org", `http://home.example.org:${own}`)
        .replace("8787", `${bot}`),
  },
  nginx: {
    argv: (file, folder) => ["-p", folder, "-c", file, "-g", "daemon off;", "-e", "stderr"],
    config: (own, bot, folder) =>
      `pid ${folder}/pid;\nevents {}\nhttp {\naccess_log off;\n` +
      ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map((one) => `${one}_temp_path ${folder}/${one};\n`).join("") +
      snippet("nginx").replace("443 ssl", `127.0.0.1:${own}`).replace(/ *ssl_cert.*\n/g, "")
        .replace("8787", `${bot}`) +
      "}\n",
  },
};

/** Asks as a browser does that resolves the public name to this machine. */
async function ask(
  url: URL,
  headers: Record<string, string> = {},
  body?: object,
): Promise<{ readonly status: number; readonly text: string; readonly location: string }> {
  const text = body && JSON.stringify(body);
  const sent = request({
    host: "127.0.0.1",
    port: url.port,
    path: url.pathname,
    method: body ? "POST" : "GET",
    headers: {
      host: url.host,
      ...headers,
      ...(text && {
        origin: url.origin,
        "content-type": "application/json",
        "content-length": `${text.length}`,
      }),
    },
  });
  sent.end(text);
  const [answer] = await once(sent, "response");
  let read = "";
  for await (const chunk of answer) read += chunk;
  return { status: answer.statusCode, text: read, location: answer.headers.location ?? "" };
}

/** Opens the login link, follows the page's own addresses, and logs in. */
async function logIn(link: URL): Promise<void> {
  const { status, location } = await ask(link);
  assert.equal(status, 302);
  const page = new URL(location, link);
  const { text } = await ask(page);
  const [, script = ""] = /src="([^"]+\.js)"/.exec(text) ?? [];
  const file = await ask(new URL(script, page));
  assert.deepEqual([file.status, file.text.includes("import.meta.url")], [200, true], script);
  const login = await ask(new URL("login", page), {}, { token: link.hash.slice(1) });
  assert.equal(login.status, 200, login.text);
  const authorization = `Bearer ${JSON.parse(login.text).token}`;
  const feed = await ask(new URL("pages/activity", page), { authorization });
  assert.equal(feed.status, 200, feed.text);
}

async function withProxy(
  play: (publicUrl: string, bot: number, own: number) => Promise<void>,
): Promise<void> {
  const own = await freePort();
  const publicUrl = `http://home.example.org:${own}/barnacle`;
  await withServed(async (served) => {
    const dashboard = createDashboard(served, publicUrl);
    const bounds = { closeMs: 100 };
    const server = await startHttpServer(
      { port: 0, publicUrl, bounds },
      (asked) => dashboard.fetch(asked),
    );
    try {
      await play(`${publicUrl}/dashboard#${dashboard.createLink()}`, server.port, own);
    } finally {
      await server.close();
    }
  });
}

describe("[O6] [SEC-R31] the dashboard behind a proxy", () => {
  for (const [name, { argv, config }] of Object.entries(PROXIES)) {
    const skip = spawnSync(name, ["-h"]).error ? `${name} is not on this machine` : false;
    it(`logs in through the guide's ${name}`, { skip }, () =>
      withProxy(async (link, bot, own) => {
        using folder = tempDirectory();
        const file = join(folder.path, "config");
        writeFileSync(file, config(own, bot, folder.path));
        const env = { ...process.env, XDG_DATA_HOME: folder.path, XDG_CONFIG_HOME: folder.path };
        const proxy = spawn(name, [...argv(file, folder.path)], {
          env,
          stdio: ["ignore", "pipe", "pipe"],
        });
        let said = "";
        for (const out of [proxy.stdout, proxy.stderr]) out.on("data", (text) => said += text);
        try {
          const url = new URL(link);
          while (proxy.exitCode === null && !await ask(url).then(() => true, () => false)) {
            await sleep(50);
          }
          await logIn(url).catch((error) => {
            throw new Error(said, { cause: error });
          });
        } finally {
          proxy.kill();
          await once(proxy, "close");
        }
      }));
  }

  it("logs in through a proxy that passes the path on, as the guide's Traefik", () =>
    withProxy(async (link, bot) => {
      const direct = new URL(link);
      direct.port = `${bot}`;
      const { location } = await ask(direct);
      const page = new URL(location, direct);
      assert.equal(page.pathname, "/barnacle/dashboard/today");
      assert.equal((await ask(page)).status, 200);
    }));
});
