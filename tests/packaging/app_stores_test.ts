/**
 * Checks the Compose file, and the manifests for Home Assistant, CasaOS and Umbrel, by the keys that
 * these document. None of them runs here.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse as parseJsonc } from "jsonc-parser";
import { parse } from "yaml";
import { z } from "zod";

const PACKAGING = join(import.meta.dirname!, "..", "..", "packaging");
const readYaml = (path: string): unknown => parse(readFileSync(join(PACKAGING, path), "utf8"));
const { version } = JSON.parse(readFileSync(join(PACKAGING, "..", "deno.json"), "utf8"));

const texts = z.record(z.string().regex(/^[a-z]{2}_[a-z]{2}$/), z.string().min(1));
const image = z.literal(`barnacle:${version}`);
/** Variables that Barnacle reads in a container. */
const environment = z.strictObject({
  BARNACLE_CONFIG: z.literal("/config/config.jsonc"),
  BARNACLE_DATA: z.literal("/data"),
  BARNACLE_SUPERVISED: z.literal("1").optional(),
});

/** https://developers.home-assistant.io/docs/add-ons/configuration: the keys that we use. */
const homeAssistant = z.strictObject({
  name: z.string(),
  version: z.literal(version),
  slug: z.string().regex(/^[a-z0-9_]+$/),
  description: z.string(),
  url: z.url(),
  image: z.literal("barnacle"),
  arch: z.array(z.enum(["armhf", "armv7", "aarch64", "amd64", "i386"])).min(1),
  stage: z.enum(["stable", "experimental", "deprecated"]),
  startup: z.enum(["initialize", "system", "services", "application", "once"]),
  boot: z.enum(["auto", "manual", "manual_only"]),
  init: z.boolean(),
  timeout: z.int().min(10).max(300),
  backup: z.enum(["hot", "cold"]),
  map: z.array(z.strictObject({ type: z.literal("addon_config"), read_only: z.boolean() })),
  ingress: z.literal(true),
  ingress_port: z.literal(8787), // that of http.port
  ingress_entry: z.literal("dashboard"),
  panel_icon: z.string().startsWith("mdi:"),
  panel_admin: z.literal(true),
  environment,
  options: z.strictObject({}),
  schema: z.strictObject({}),
});

const repository = z.strictObject({ name: z.string(), url: z.url(), maintainer: z.string() });

/** The part of the Compose specification that our two files use. */
const service = z.strictObject({
  image,
  container_name: z.string().optional(),
  command: z.literal("run"),
  user: z.string().optional(),
  restart: z.enum(["no", "always", "on-failure", "unless-stopped"]),
  stop_grace_period: z.string().regex(/^\d+s$/),
  read_only: z.literal(true),
  tmpfs: z.tuple([z.literal("/tmp")]),
  cap_drop: z.tuple([z.literal("ALL")]),
  security_opt: z.tuple([z.literal("no-new-privileges:true")]),
  environment,
  volumes: z.array(z.union([
    z.string().regex(/^\$\{APP_DATA_DIR\}\/data\/\w+:\/(?:data|config)$/),
    z.strictObject({
      type: z.literal("bind"),
      source: z.string().startsWith("/DATA/AppData/$AppID/"),
      target: z.enum(["/data", "/config"]),
    }),
  ])).length(2),
});

/** https://github.com/IceWhaleTech/CasaOS-AppStore/blob/main/CONTRIBUTING.md */
const casaOs = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]+$/),
  services: z.strictObject({
    barnacle: service.extend({
      "x-casaos": z.strictObject({
        volumes: z.array(z.strictObject({ container: z.string(), description: texts })),
      }),
    }),
  }),
  "x-casaos": z.strictObject({
    architectures: z.array(z.enum(["386", "amd64", "arm", "arm64"])).min(1),
    main: z.literal("barnacle"),
    author: z.string(),
    developer: z.string(),
    category: z.string(),
    icon: z.url(),
    title: texts,
    tagline: texts,
    description: texts,
    tips: z.strictObject({ before_install: texts }),
  }),
});

/** https://github.com/getumbrel/umbrel-apps: the keys of `umbrel-app.yml`. */
const umbrel = z.strictObject({
  manifestVersion: z.union([z.literal(1), z.literal(1.1)]),
  id: z.string().regex(/^[a-z][a-z0-9-]+$/),
  category: z.enum([
    "ai",
    "automation",
    "bitcoin",
    "crypto",
    "developer",
    "files",
    "finance",
    "media",
    "networking",
    "social",
  ]),
  name: z.string(),
  version: z.literal(version),
  tagline: z.string().max(80),
  description: z.string(),
  releaseNotes: z.string(),
  developer: z.string(),
  website: z.url(),
  dependencies: z.array(z.string()),
  repo: z.url(),
  support: z.url(),
  port: z.int().min(1).max(65_535),
  gallery: z.array(z.string()),
  path: z.string(),
  defaultUsername: z.string(),
  defaultPassword: z.string(),
  submitter: z.string(),
  submission: z.url(),
});

const umbrelCompose = z.strictObject({
  version: z.literal("3.7"),
  services: z.strictObject({
    app_proxy: z.strictObject({
      environment: z.strictObject({
        APP_HOST: z.literal("barnacle_server_1"), // <app>_<service>_1
        APP_PORT: z.literal(8787),
      }),
    }),
    server: service,
  }),
});

const compose = z.strictObject({
  services: z.strictObject({
    barnacle: service.extend({
      volumes: z.tuple([z.literal("./data:/data"), z.literal("./config:/config")]),
      healthcheck: z.strictObject({
        test: z.tuple([
          z.literal("CMD"),
          z.literal("/usr/bin/barnacle"),
          z.literal("healthcheck"),
        ]),
        interval: z.literal("60s"),
        timeout: z.literal("10s"),
        start_period: z.literal("120s"),
        retries: z.literal(3),
      }),
      depends_on: z.tuple([z.literal("ollama")]),
    }),
    ollama: z.strictObject({
      image: z.string().startsWith("docker.io/ollama/ollama:"),
      restart: z.literal("unless-stopped"),
      volumes: z.tuple([z.literal("ollama:/root/.ollama")]),
    }),
  }),
  volumes: z.strictObject({ ollama: z.strictObject({}) }),
});

const FILES = [
  ["compose/docker-compose.yml", compose],
  ["home-assistant/repository.yaml", repository],
  ["home-assistant/barnacle/config.yaml", homeAssistant],
  ["casaos/docker-compose.yml", casaOs],
  ["umbrel/barnacle/umbrel-app.yml", umbrel],
  ["umbrel/barnacle/docker-compose.yml", umbrelCompose],
] as const;

describe("[O8] the manifests of app stores", () => {
  for (const [path, schema] of FILES) {
    it(`have the right keys: ${path}`, () => {
      const result = schema.safeParse(readYaml(path));
      assert.ok(result.success, z.prettifyError(result.error ?? new z.ZodError([])));
    });

    it(`are refused without a key, and with an unknown one: ${path}`, () => {
      const value = readYaml(path);
      assert.ok(typeof value === "object" && value !== null);
      const { [Object.keys(value)[0] ?? ""]: _, ...less } = value as Record<string, unknown>;
      assert.equal(schema.safeParse(less).success, false);
      assert.equal(schema.safeParse({ ...value, unknown: 1 }).success, false);
    });
  }

  it("has a config for Compose that reaches Ollama there", () => {
    const text = readFileSync(join(PACKAGING, "compose", "config.jsonc"), "utf8");
    const { models } = parseJsonc(text);
    assert.equal(models.providers.ollama.baseUrl, "http://ollama:11434/v1");
  });

  it("give a running turn time to end", () => {
    const unit = readFileSync(join(PACKAGING, "systemd", "barnacle.service"), "utf8");
    const seconds = Number(/^TimeoutStopSec=(\d+)s$/m.exec(unit)?.[1]);
    for (const [path] of FILES.filter(([path]) => path.includes("compose"))) {
      const text = readFileSync(join(PACKAGING, path), "utf8");
      assert.ok(Number(/stop_grace_period: (\d+)s/.exec(text)?.[1]) >= seconds, path);
    }
  });
});
