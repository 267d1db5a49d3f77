/**
 * Reads the components of a message: as text for a model (H9), and their pictures and files.
 *
 * A message in Discord's second layout has no content and no embeds: all its text is in components,
 * which may be nested. All of it is untrusted. So it is read down to a fixed depth, and components
 * with an unexpected shape are left out.
 *
 * @see {@link https://docs.discord.com/developers/components/reference}
 */

import { HIDDEN } from "../../../lib/text/quoted.ts";
import { MessageComponentTypes } from "@discordeno/types";
import { z } from "zod";

/** Discord's component types, with those that discordeno does not name yet. */
const Type = {
  ...MessageComponentTypes,
  TextDisplay: 10,
  Thumbnail: 11,
  MediaGallery: 12,
  File: 13,
  Label: 18,
} as const;

/** Maximum nesting. Discord's deepest is a button in a row in a container. */
const MAX_DEPTH = 6;

const text = z.string().optional().catch(undefined);
const children = z.array(z.unknown()).optional().catch(undefined);

const component = () =>
  z.object({
    type: z.number(),
    content: text,
    /** Label of a button, or of a form field. */
    label: text,
    url: text,
    placeholder: text,
    options: z.array(z.object({ label: z.string() })).optional().catch(undefined),
    description: text,
    name: text,
    spoiler: z.boolean().optional().catch(undefined),
    media: z.unknown().optional(),
    file: z.unknown().optional(),
    items: children,
    components: children,
    accessory: z.unknown().optional(),
    component: z.unknown().optional(),
  });
const componentSchema = z.lazy(component);
type ComponentPayload = z.infer<typeof componentSchema>;

/** A gallery's picture has the fields of a component, but no type. */
const gallerySchema = z.lazy(() => component().omit({ type: true }));

/**
 * Describes each text, picture, file, button and menu in a line of its own, in order.
 *
 * @param hidesSpoilers Whether parts behind a spoiler are left out.
 */
export function describeComponents(components: readonly unknown[], hidesSpoilers = false): string {
  return components.flatMap((component) => linesOf(component, 0, hidesSpoilers)).join("\n");
}

function linesOf(value: unknown, depth: number, hidesSpoilers: boolean): readonly string[] {
  const component = componentAt(value, depth);
  if (!component) return [];
  if (hidesSpoilers && component.spoiler) return [HIDDEN];
  const within = childrenOf(component).flatMap((child) => linesOf(child, depth + 1, hidesSpoilers));
  return [...ownLines(component, hidesSpoilers), ...within];
}

function componentAt(value: unknown, depth: number): ComponentPayload | undefined {
  if (depth >= MAX_DEPTH || value === undefined) return undefined;
  return componentSchema.safeParse(value).data;
}

const childrenOf = ({ components = [], component, accessory }: ComponentPayload) => [
  ...components,
  component,
  accessory,
];

/** A picture, video or file of a component. */
export interface ComponentMedia {
  readonly media: unknown;
  /** Whether it, or a component around it, is behind a spoiler. */
  readonly isSpoiler: boolean;
}

export function mediaIn(
  values: readonly unknown[],
  isSpoiler = false,
  depth = 0,
): readonly ComponentMedia[] {
  return values.flatMap((value) => {
    const component = componentAt(value, depth);
    if (!component) return [];
    const isHidden = isSpoiler || component.spoiler === true;
    const items = (component.items ?? []).flatMap((item) =>
      gallerySchema.safeParse(item).data ?? []
    );
    const own = [component, ...items].flatMap(({ media, file, spoiler }) =>
      [media, file].filter((one) => one !== undefined)
        .map((media) => ({ media, isSpoiler: isHidden || spoiler === true }))
    );
    return [...own, ...mediaIn(childrenOf(component), isHidden, depth + 1)];
  });
}

function ownLines(component: ComponentPayload, hidesSpoilers: boolean): readonly string[] {
  const { type, content, label, url, placeholder, options = [], items = [] } = component;
  switch (type) {
    case Type.TextDisplay:
      return content ? [content] : [];
    case Type.Button:
      return label ? [`[button: ${url ? `${label}, ${url}` : label}]`] : [];
    case Type.SelectMenu:
    case Type.SelectMenuUsers:
    case Type.SelectMenuRoles:
    case Type.SelectMenuUsersAndRoles:
    case Type.SelectMenuChannels: {
      const labels = options.map(({ label }) => label).join(" / ");
      const parts = [placeholder, labels && `(${labels})`].filter(Boolean).join(" ");
      return parts ? [`[menu: ${parts}]`] : [];
    }
    case Type.Thumbnail:
      return [mediaLine("picture", component)];
    case Type.MediaGallery:
      return items.flatMap((item) => {
        const { data } = gallerySchema.safeParse(item);
        if (!data) return [];
        return [hidesSpoilers && data.spoiler ? HIDDEN : mediaLine("picture", data)];
      });
    case Type.File:
      return [mediaLine("file", component)];
    case Type.Label:
      return label ? [label] : [];
    default:
      return [];
  }
}

function mediaLine(
  kind: string,
  { name, description, spoiler }: Pick<ComponentPayload, "name" | "description" | "spoiler">,
): string {
  const parts = [name, description, spoiler ? "behind a spoiler" : ""].filter(Boolean).join(", ");
  return parts ? `[${kind}: ${parts}]` : `[${kind}]`;
}
