/** Creates the clients of the models that transcribe, speak (H10, R16) and draw (T6). */

import type { Env } from "../../lib/env.ts";
import type { Speech } from "../../bot.ts";
import type { SharedConfig } from "../../config/config.ts";
import type { Problem } from "../../config/text/problem.ts";
import { microsOfAudio, microsOfImage } from "../../core/spending/usage.ts";
import { modelIdOf, type ModelSettings } from "../../providers/settings.ts";
import {
  createDrawImage,
  createSpeak,
  createSpeakPcm,
  createTranscribe,
  DRAW_MS,
  SPEAK_MS,
  TRANSCRIBE_MS,
} from "../../providers/other_apis/media.ts";
import { openaiModel } from "./model_settings.ts";
import { createRealtimeServer } from "../../providers/other_apis/realtime.ts";
import { schedule } from "../../lib/clock.ts";
import type { Drawing } from "../../flows/tools/made_files.ts";

/** Chooses both models. Makes no request. */
export function chooseSpeech(
  { audio, models, voice }: SharedConfig,
  env: Env,
): Speech | { readonly problem: Problem } {
  const find = (path: string, name: string | undefined) => openaiModel(path, name, { models }, env);
  const heard = find("audio.transcribe", audio.transcribe);
  if (heard?.problem) return { problem: heard.problem };
  const spoken = find("audio.speak", audio.speak);
  if (spoken?.problem) return { problem: spoken.problem };
  const talks = find("voice.realtime", voice?.mode === "realtime" ? voice.realtime : undefined);
  if (talks?.problem) return { problem: talks.problem };
  const cost = ({ price }: ModelSettings) => (seconds: number) => microsOfAudio(seconds, price);
  return {
    transcription: heard
      ? {
        modelId: modelIdOf(heard.settings),
        maxSec: audio.maxMin * 60,
        microsOf: cost(heard.settings),
        transcribe: createTranscribe(heard.settings, { fetch, timeoutMs: TRANSCRIBE_MS }),
      }
      : undefined,
    voice: spoken
      ? {
        modelId: modelIdOf(spoken.settings),
        microsOf: cost(spoken.settings),
        speak: createSpeak(spoken.settings, audio.voice, { fetch, timeoutMs: SPEAK_MS }),
        speakPcm: createSpeakPcm(spoken.settings, audio.voice, { fetch, schedule }),
      }
      : undefined,
    realtime: talks && createRealtimeServer(talks.settings, {
      ...{ voice: audio.voice, schedule },
      hears: heard?.settings.name ?? "whisper-1", // that of OpenAI
    }),
  };
}

const NO_TOKENS = { inputTokens: 0, outputTokens: 0 } as const;

/** Chooses the model. Makes no request. */
export function chooseDrawing(
  config: SharedConfig,
  env: Env,
): { readonly drawing?: Drawing } | { readonly problem: Problem } {
  const found = openaiModel("tools.draw", config.tools.draw, config, env);
  if (!found) return {};
  if (found.problem) return { problem: found.problem };
  const { settings } = found;
  const draw = createDrawImage(settings, { fetch, timeoutMs: DRAW_MS });
  return {
    drawing: {
      modelId: modelIdOf(settings),
      async draw(prompt, signal) {
        const { bytes, usage } = await draw(prompt, signal);
        const micros = microsOfImage(usage, settings.price);
        return {
          bytes,
          usage: { ...(usage ?? NO_TOKENS), ...(micros !== undefined && { micros }) },
        };
      },
    },
  };
}
