import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDashboard } from "../../../src/extras/dashboard/dashboard.ts";
import { ingressUrl } from "../../../src/http/ingress.ts";
import { withParts } from "./parts_fixture.ts";
import { recordingLog } from "../../support/recording_log.ts";

const HOME = "http://homeassistant.local:8123";
const PATH = "/api/hassio_ingress/mG1h_x-2";

/** A request as the Supervisor passes it on: without the path of the ingress. */
function passedOn(path: string, headers: Record<string, string> = {}, body?: unknown): Request {
  return new Request(`http://172.30.33.4:8787${path}`, {
    headers: { host: "homeassistant.local:8123", "x-ingress-path": PATH, ...headers },
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
  });
}

/** [client, X-Ingress-Path, address] */
const CASES: readonly (readonly [string, string, string | undefined])[] = [
  ["172.30.32.2", PATH, HOME + PATH],
  ["172.30.32.2", "/elsewhere", undefined],
  ["172.30.32.2", `${PATH}/../../evil`, undefined],
  ["172.30.33.9", PATH, undefined],
  ["127.0.0.1", PATH, undefined],
];

describe("[O6] [SEC-R31] Home Assistant's ingress", () => {
  it("counts from the Supervisor only", () => {
    for (const [client, path, url] of CASES) {
      const asked = passedOn("/dashboard", { "x-ingress-path": path });
      assert.equal(ingressUrl(asked, client), url, `${client} ${path}`);
    }
    const secure = passedOn("/dashboard", { "x-forwarded-proto": "https" });
    assert.equal(
      ingressUrl(secure, "172.30.32.2"),
      `https://homeassistant.local:8123${PATH}`,
    );
  });

  it("shows the page in Home Assistant's frame, and logs in there", () =>
    withParts(async (parts) => {
      const { log } = recordingLog();
      const dashboard = createDashboard({ ...parts, log, bot: { ...parts.bot, pageMade() {} } });
      const ask = (client: string, request: Request) =>
        dashboard.fetch(request, ingressUrl(request, client));
      const page = await ask("172.30.32.2", passedOn("/dashboard/today"));
      assert.equal(page.status, 200);
      assert.match(page.headers.get("content-security-policy") ?? "", /frame-ancestors 'self'/);
      assert.equal((await ask("172.30.33.9", passedOn("/dashboard/today"))).status, 403);
      const logIn = (origin: string) =>
        passedOn("/dashboard/login", { origin, "content-type": "application/json" }, {
          token: dashboard.createLink(),
        });
      assert.equal((await ask("172.30.32.2", logIn(HOME))).status, 200);
      dashboard.close();
    }));
});
