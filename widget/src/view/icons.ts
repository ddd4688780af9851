/** Outlines drawn on 24 × 24, stroked in the colour of the text around. */
export const chatIcon = 'M4 5.5h16v11H11l-4.5 3.5v-3.5H4z';
export const downIcon = 'M6 9.5l6 6 6-6';
export const closeIcon = 'M6 6l12 12M18 6L6 18';
export const moreIcon =
  'M6 12a1 1 0 1 0-2 0 1 1 0 0 0 2 0m7 0a1 1 0 1 0-2 0 1 1 0 0 0 2 0m7 0a1 1 0 1 0-2 0 1 1 0 0 0 2 0';
export const sendIcon = 'M12 19V5M6 11l6-6 6 6';
export const clipIcon =
  'M20 11.5l-8 8a5 5 0 0 1-7-7l8.5-8.5a3.4 3.4 0 0 1 4.8 4.8L10 17.1a1.7 1.7 0 0 1-2.4-2.4l7.6-7.6';
export const personIcon = 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4.5 20a7.5 7.5 0 0 1 15 0';
export const backIcon = 'M15 6l-6 6 6 6';
export const fileIcon = 'M7 3.5h7l4 4v13H7zM14 3.5v4h4';
export const soundIcon = 'M4 9.5v5h3.5l4.5 4v-13l-4.5 4zM16 9a4.5 4.5 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11';
export const mutedIcon = 'M4 9.5v5h3.5l4.5 4v-13l-4.5 4zM16 9.5l5 5M21 9.5l-5 5';
export const endIcon = 'M5 12.5l4.5 4.5L19 7.5';
export const freshIcon = 'M12 5v14M5 12h14';
export const clockIcon = 'M12 7.5V12l3 2M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17';
export const machineIcon = 'M12 3.5l2 6.5 6.5 2-6.5 2-2 6.5-2-6.5-6.5-2 6.5-2z';
