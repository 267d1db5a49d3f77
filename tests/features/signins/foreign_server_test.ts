/** Tests people's sign-ins with an authorization server of others (T13a). */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import Provider from "oidc-provider";
import type { UserId } from "../../../src/core/discord/ids.ts";
import { peoplesLogins, readyFor } from "../../../src/features/signins/own_servers.ts";
import { createSignIn } from "../../../src/mcp/sign_in.ts";
import { directMessage } from "../../support/discord/builders.ts";
import { answerMcp } from "../../support/model/own_accounts.ts";
import { toolContext } from "../../support/model/tools.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { calAt, signInsAccount } from "./scene.ts";

type ForeignServer = Awaited<ReturnType<typeof startForeignServer>>;

/** The part of the server's code that this file uses; it declares no types. */
interface AuthorizationServer {
  callback(): (request: object, response: object) => unknown;
  readonly AccessToken: {
    find(token: string): Promise<{ readonly accountId: string; readonly aud: string } | undefined>;
  };
}

async function startForeignServer() {
  const calls: { readonly who: string; readonly tool: string }[] = [];
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `${origin}/mcp`;
  const resource = { scope: "agenda", audience: url, accessTokenFormat: "opaque" };
  const provider = new Provider(origin, {
    scopes: ["agenda", "offline_access"],
    issueRefreshToken: () => true,
    cookies: { keys: ["test"] },
    clientDefaults: { token_endpoint_auth_method: "none" },
    features: {
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => url,
        useGrantedResource: () => true,
        getResourceServerInfo: () => resource,
      },
    },
  }) as unknown as AuthorizationServer;
  const authorize = provider.callback();

  server.on("request", (request, response) => {
    const { pathname } = new URL(request.url ?? "/", origin);
    const json = (value: object) =>
      void response.writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify(value));
    if (pathname === "/.well-known/oauth-protected-resource/mcp") {
      return json({ resource: url, authorization_servers: [origin], scopes_supported: ["agenda"] });
    }
    if (pathname !== "/mcp") return void authorize(request, response);
    void (async () => {
      let body = "";
      for await (const piece of request.setEncoding("utf8")) body += piece;
      const token = request.headers.authorization?.replace(/^Bearer /, "") ?? "";
      const known = await provider.AccessToken.find(token);
      const who = known?.aud === url ? known.accountId : undefined;
      answerMcp({ request, response, body, who, origin, calls });
    })();
  });

  return {
    ...{ url, calls },
    /**
     * Signs in as a person in a browser.
     *
     * @returns The address that the browser goes back to.
     */
    async visit(address: string, who: string): Promise<URL | undefined> {
      const cookies = new Map<string, string>();
      let next: Request | undefined = new Request(address);
      for (let pages = 0; next && pages < 20; pages++) {
        const asked: Request = next;
        asked.headers.set(
          "cookie",
          [...cookies].map(([key, value]) => `${key}=${value}`).join("; "),
        );
        const response = await fetch(asked, { redirect: "manual" });
        for (const cookie of response.headers.getSetCookie()) {
          const [, key = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
          cookies.set(key, value);
        }
        const html = await response.text();
        const to = response.headers.get("location");
        if (to !== null) {
          const at: URL = new URL(to, asked.url);
          if (at.origin !== origin) return at;
          next = new Request(at);
          continue;
        }
        if (response.status >= 400) throw new Error(`${response.status} at ${asked.url}: ${html}`);
        next = formIn(html, asked.url, { login: who, password: "x" });
      }
      return undefined;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The filled in form of a page; `undefined` if it has none that asks for something. */
function formIn(html: string, at: string, values: Record<string, string>): Request | undefined {
  const action = /<form[^>]* action="([^"]+)"/.exec(html)?.[1];
  if (action === undefined) return undefined;
  const body = new URLSearchParams();
  for (const [input] of html.matchAll(/<(?:input|button)[^>]*>/g)) {
    const name = /name="([^"]+)"/.exec(input)?.[1];
    const value = /value="([^"]*)"/.exec(input)?.[1];
    if (name !== undefined && name !== "abort") body.set(name, values[name] ?? value ?? "yes");
  }
  return new Request(new URL(action, at), { method: "POST", body });
}

const BACK = "http://127.0.0.1:8765/callback";
const ADA = "1" as UserId;

const calOf = ({ url }: ForeignServer) => calAt(url);

const CONTEXT = toolContext({ message: directMessage(), callKey: "1:1", sessionKey: "" });

/** The agenda that a login shows. */
async function agendaWith(
  server: ForeignServer,
  login: Awaited<ReturnType<Awaited<ReturnType<typeof createSignIn>>["finish"]>>,
) {
  using folder = tempDirectory();
  const { account, keep, ownOf, toolOf } = await signInsAccount(folder.path, server.url);
  keep(ADA, login);
  try {
    await readyFor(account, ownOf(ADA));
    return await toolOf(ownOf(ADA), "agenda")?.run({}, CONTEXT);
  } finally {
    await peoplesLogins.stop(account);
  }
}

describe("[T13a] a sign-in at oidc-provider", () => {
  it("comes back from the browser, counts once, and shows the account", async () => {
    await using server = await startForeignServer();
    const begun = await createSignIn(calOf(server).transport, BACK, Date.now);
    const back = await server.visit(begun.address, "ada");
    assert.equal(back?.origin, "http://127.0.0.1:8765");
    const answer = back?.searchParams ?? new URLSearchParams();
    const login = await begun.finish(answer);
    assert.match(await agendaWith(server, login) ?? "", /^agenda of ada,/);
    await assert.rejects(begun.finish(answer), "the code counts once");
  });
});
