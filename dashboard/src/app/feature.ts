import type { Call, Permission, ServerToClient } from '@parley/contract';
import type { QueryClient } from '@tanstack/vue-query';
import type { Component, Ref } from 'vue';
import type { RouteRecordRaw, Router } from 'vue-router';
import type { Command } from '../composables/useCommands.ts';
import type { useToasts } from '../composables/useToasts.ts';

/** The studio's menu, in this order. */
export const studioGroups = ['answers', 'workspace', 'installation'] as const;

export type NavItem = {
  /** the rail at the edge, or a group of the studio */
  in: 'rail' | (typeof studioGroups)[number];
  /** smaller comes first */
  order: number;
  to: string;
  /** what addresses of this part begin with, when it is not `to` */
  under?: string;
  /** keys of texts */
  label: string;
  text?: string;
  icon: Component;
  /** without it everybody sees the item */
  permission?: Permission;
  /** a number at the icon while it is above 0, with a word for it */
  count?: { label: string; use: () => Ref<number> };
};

export type CommandDeps = {
  t: (key: string) => string;
  can: (permission: Permission) => boolean;
  router: Router;
};

export type LiveDeps = {
  client: QueryClient;
  router: Router;
  toasts: ReturnType<typeof useToasts>;
  t: (key: string) => string;
  te: (key: string) => boolean;
  /** has the answers of these calls read again, at most once a second however much happens */
  refreshSoon: (...stale: Call[]) => void;
  /** who is writing, by conversation */
  writing: Map<string, Writing>;
};
export type Writing = { who: 'contact' | 'bot' | 'agent'; name: string | null; until: number };

/** What a noun adds to the dashboard. `features/<noun>/feature.ts` exports one; its texts are in `locales/` beside it. */
export type Feature = {
  /**
   * `open`: without signing in. `bare`: signed in, without the rail. `desk`: beside the rail. `studio`: inside
   * the studio, with paths from there.
   */
  routes?: Partial<Record<'open' | 'bare' | 'desk' | 'studio', RouteRecordRaw[]>>;
  navigation?: NavItem[];
  /** for the command bar, besides the way to each item of the navigation */
  commands?: (deps: CommandDeps) => Omit<Command, 'group'>[];
  /** what the server's live events change here */
  live?: (deps: LiveDeps) => Partial<ServerToClient>;
};

export const defineFeature = (feature: Feature): Feature => feature;
