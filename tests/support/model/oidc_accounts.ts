/**
 * `oidc-provider` as the authorization server of an MCP server: people's accounts at a server that
 * others have written, with its login pages, the device flow, and resource indicators.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Provider from "oidc-provider";
import { answerMcp } from "./own_accounts.ts";

export interface ForeignServer extends AsyncDisposable {
  /** Address of the MCP server. */
  readonly url: string;
  readonly calls: { readonly who: string; readonly tool: string }[];
  /**
   * Signs in as a person in a browser.
   *
   * @param code Code to enter; absent: the server asks for none.
   * @returns The address that the browser goes back to; `undefined`: it stays at the server.
   */
  visit(address: string, who: string, code?: string): Promise<URL | undefined>;
}

/** The part of the server's code that this file uses; it declares no types. */
interface AuthorizationServer {
  callback(): (request: object, response: object) => unknown;
  readonly AccessToken: {
    find(token: string): Promise<{ readonly accountId: string; readonly aud: string } | undefined>;
  };
}

/** @param more Further features, such as `deviceFlow`. */
export async function startForeignServer(more: object = {}): Promise<ForeignServer> {
  const calls: ForeignServer["calls"][number][] = [];
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
      ...more,
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
    async visit(address, who, code) {
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
        next = formIn(html, asked.url, { login: who, password: "x", user_code: code ?? "" });
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
