/** Tests people's sign-ins with an authorization server of others (T13a). */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import Provider from "oidc-provider";
import type { UserId } from "../../../src/core/discord/ids.ts";
import type { Decision } from "../../../src/core/people/question.ts";
import { WaitsForPerson } from "../../../src/core/turn/tool.ts";
import { peoplesLogins, readyFor, signInTool } from "../../../src/features/signins/own_servers.ts";
import { createSignIn, NotYetError } from "../../../src/mcp/sign_in.ts";
import { directMessage } from "../../support/discord/builders.ts";
import { answerMcp } from "../../support/model/own_accounts.ts";
import { toolContext } from "../../support/model/tools.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { calAt, signInsAccount } from "./scene.ts";

interface ForeignServer extends AsyncDisposable {
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
async function startForeignServer(more: object = {}): Promise<ForeignServer> {
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

const BACK = "http://127.0.0.1:8765/callback";
const ADA = "1" as UserId;
const DEVICE = { deviceFlow: { enabled: true } };

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
    const begun = await createSignIn(calOf(server).transport, BACK, Date.now, undefined, true);
    assert.equal(begun.device, undefined);
    const back = await server.visit(begun.address, "ada");
    assert.equal(back?.origin, "http://127.0.0.1:8765");
    const answer = back?.searchParams ?? new URLSearchParams();
    const login = await begun.finish(answer);
    assert.match(await agendaWith(server, login) ?? "", /^agenda of ada,/);
    await assert.rejects(begun.finish(answer), "the code counts once");
  });

  it("takes the code of a device, where the server has this flow", async () => {
    await using server = await startForeignServer(DEVICE);
    const begun = await createSignIn(calOf(server).transport, BACK, Date.now, undefined, true);
    const { code = "", answer = new URLSearchParams() } = begun.device ?? {};
    await assert.rejects(
      begun.finish(answer),
      ({ cause }: Error) => cause instanceof NotYetError,
      "no one has entered the code",
    );
    assert.equal(await server.visit(begun.address, "ada", code), undefined);
    const login = await begun.finish(answer);
    assert.match(await agendaWith(server, login) ?? "", /^agenda of ada,/);
    await assert.rejects(begun.finish(answer), "the code counts once");
  });

  it("shows the code on a card, which waits for the person", async () => {
    await using server = await startForeignServer(DEVICE);
    using folder = tempDirectory();
    const { account, fileOf } = await signInsAccount(folder.path, server.url);
    const tool = signInTool(account, calOf(server));
    const asked = async (decision?: Decision) => {
      const ended = tool.run({}, { ...CONTEXT, decision, mayWait: true });
      return await ended.catch((error: unknown) => {
        if (error instanceof WaitsForPerson) return error.question;
        throw error;
      });
    };
    const goOn = { kind: "answered", answer: { choice: "done" } } as const;
    const first = await asked();
    assert.ok(typeof first === "object");
    const { exact: code = "", link: { url: address } = assert.fail() } = first;
    assert.match(first.text, new RegExp(`at ${new URL(server.url).host} with your own account`));
    assert.deepEqual(first.choices.map(({ label, key }) => label ?? key), ["Go on", "deny"]);
    const again = await asked(goOn);
    assert.ok(typeof again === "object");
    assert.match(again.text, /^The server knows no sign-in yet\./);
    assert.equal(again.exact, first.exact);
    await server.visit(address, "ada", code);
    assert.match(String(await asked(goOn)), /^The person has signed in/);
    assert.ok(existsSync(fileOf(directMessage().sender.id)));
    const anew = await asked(goOn);
    assert.ok(typeof anew === "object" && anew.exact !== first.exact, "a code counts once");
  });

  it("has no code of a device for the operator, nor for a bot with a public address", async () => {
    await using server = await startForeignServer(DEVICE);
    const begun = await createSignIn(calOf(server).transport, BACK, Date.now);
    assert.equal(begun.device, undefined);
    const back = await server.visit(begun.address, "grace");
    const login = await begun.finish(back?.searchParams ?? new URLSearchParams());
    assert.match(await agendaWith(server, login) ?? "", /^agenda of grace,/);
  });
});
