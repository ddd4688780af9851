import type { Component } from 'vue';

export type MenuItem =
  | { kind: 'line' }
  | { kind: 'label'; label: string }
  | {
      kind?: 'action';
      label: string;
      detail?: string;
      icon?: Component;
      keys?: string;
      checked?: boolean;
      danger?: boolean;
      disabled?: boolean;
      run: () => void;
    };
