/** Tests a real Prometheus that reads a real bot: its metrics, the dashboard's expressions, the rules. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";
import { expressionsOf, readDashboard } from "../../support/bot/grafana.ts";
import { freePort } from "../../support/network/free_port.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const TOKEN = "a-token-for-prometheus-of-32-characters";
const RULES = join(import.meta.dirname!, "../../../packaging/prometheus/alerts.yml");

const hasPrometheus = ["prometheus", "promtool"].every((name) =>
  spawnSync(name, ["--version"]).error === undefined
);

describe("[O1] Prometheus", skipUnless(hasPrometheus, "Prometheus is not installed"), () => {
  it("reads the bot, and evaluates each expression of the dashboard and each rule", () =>
    withSimulation({ config: { http: { port: 0, token: TOKEN } } }, async (scene) => {
      const { start, say, mention, replies, line, eventually, ask } = scene;
      const bot = await start();
      say("grace", "general", `${mention} hello`);
      await replies("general", 1);
      const { fields } = JSON.parse(await line(bot, /"Barnacle is running"/));

      const input = await (await ask(bot, "/metrics")).text();
      const check = spawnSync("promtool", ["check", "metrics"], { input, encoding: "utf8" });
      assert.equal(check.status, 0, check.stderr);

      using directory = tempDirectory();
      const { path } = directory;
      writeFileSync(join(path, "token"), TOKEN);
      cpSync(RULES, join(path, "alerts.yml"));
      writeFileSync(
        join(path, "prometheus.yml"),
        JSON.stringify({ // YAML contains JSON
          global: { scrape_interval: "1s", evaluation_interval: "1s" },
          rule_files: ["alerts.yml"],
          scrape_configs: [{
            job_name: "barnacle",
            static_configs: [{ targets: [new URL(fields.health).host] }],
            authorization: { credentials_file: join(path, "token") },
          }],
        }),
      );
      const address = `127.0.0.1:${await freePort()}`;
      const server = spawn("prometheus", [
        `--config.file=${join(path, "prometheus.yml")}`,
        `--storage.tsdb.path=${join(path, "data")}`,
        `--web.listen-address=${address}`,
      ], { stdio: "ignore" });
      const api = async (what: string) => {
        return await (await fetch(`http://${address}/api/v1/${what}`)).json();
      };
      const query = (text: string) => api(`query?query=${encodeURIComponent(text)}`);
      try {
        await eventually("Prometheus to read the bot", async () => {
          const found = await query('barnacle_up_ready{job="barnacle"}').catch(() => undefined);
          return found?.data?.result?.[0]?.value?.[1] === "1";
        });
        for (const expression of expressionsOf(readDashboard())) {
          const text = expression.replaceAll(/\$(?:job|instance)/g, ".+")
            .replaceAll(/\$__(?:rate_interval|range)/g, "1m");
          const { status, error } = await query(text);
          assert.equal(status, "success", `${text}: ${error}`);
        }
        for (
          const text of [
            "barnacle_build_info",
            "barnacle_storage_free_bytes",
            "barnacle_llm_failing",
          ]
        ) {
          assert.equal((await query(text)).data.result.length, 1, text);
        }
        await eventually("all rules to be evaluated", async () => {
          const { data } = await api("rules");
          const rules: {
            readonly name: string;
            readonly health: string;
            readonly state: string;
          }[] = data.groups.flatMap(({ rules }: { rules: object[] }) => rules);
          assert.deepEqual(rules.filter(({ health }) => health === "err"), []);
          assert.deepEqual(rules.filter(({ state }) => state === "firing"), []);
          return rules.length > 20 && rules.every(({ health }) => health === "ok");
        });
      } finally {
        const gone = once(server, "exit");
        server.kill("SIGKILL");
        await gone;
      }
    }));
});
