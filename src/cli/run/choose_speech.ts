/**
 * Creates the clients of the models that transcribe and speak (H10, R16).
 *
 * @module
 */

import type { Speech } from "../../bot.ts";
import type { SharedConfig } from "../../config/config.ts";
import { resolveModels } from "../../config/models.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { Env } from "../../config/schema/parts/secrets.ts";
import { modelIdOf, type ModelSettings } from "../../providers/settings.ts";
import { createSpeak, SPEAK_MS } from "../../providers/speech/speak.ts";
import { createTranscribe, TRANSCRIBE_MS } from "../../providers/speech/transcribe.ts";
import { toSettings } from "../shared/model_settings.ts";

/** Chooses both models. Makes no request. */
export function chooseSpeech(
  { audio, models }: Pick<SharedConfig, "audio" | "models">,
  env: Env,
): Speech | { readonly problem: Problem } {
  const find = (path: string, name: string | undefined) => {
    if (name === undefined) return undefined;
    const names = { primary: name, fallbacks: [] };
    const resolved = resolveModels({ ...models, names, namesPath: path }, env);
    if (resolved.kind === "problem") {
      const { kind: _, ...found } = resolved;
      return { problem: { severity: "error", ...found } } as const;
    }
    const choice = resolved.kind === "chosen" ? resolved.choices[0] : undefined;
    const provider = choice && toSettings(choice.provider);
    if (!choice || provider?.kind !== "openai-compatible") {
      return { problem: notOpenai(path, name) };
    }
    return { settings: { provider, name: choice.model } satisfies ModelSettings };
  };
  const heard = find("audio.transcribe", audio.transcribe);
  if (heard?.problem) return { problem: heard.problem };
  const spoken = find("audio.speak", audio.speak);
  if (spoken?.problem) return { problem: spoken.problem };
  return {
    ...(heard && {
      transcription: {
        modelId: modelIdOf(heard.settings),
        maxSec: audio.maxMin * 60,
        transcribe: createTranscribe(heard.settings, { fetch, timeoutMs: TRANSCRIBE_MS }),
      },
    }),
    ...(spoken && {
      voice: {
        modelId: modelIdOf(spoken.settings),
        speak: createSpeak(spoken.settings, audio.voice, { fetch, timeoutMs: SPEAK_MS }),
      },
    }),
  };
}

function notOpenai(path: string, name: string): Problem {
  return {
    severity: "error",
    path,
    message: `The provider of "${name}" has no OpenAI-compatible API`,
    hint: 'name a model of an "openai-compatible" provider',
  };
}
