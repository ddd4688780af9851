import tailwindcss from '@tailwindcss/vite';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

// The server serves dist/ at the root and falls back to index.html; `npm run dev` proxies to it instead.
const server = process.env['PARLEY_SERVER'] ?? 'http://127.0.0.1:3000';

export default defineConfig({
  base: '/',
  plugins: [vue(), tailwindcss()],
  build: { outDir: 'dist', target: 'es2022', sourcemap: false, chunkSizeWarningLimit: 400 },
  server: {
    proxy: {
      '/api': server,
      '/socket.io': { target: server, ws: true },
      '/widget.js': server,
      '/openapi.json': server,
    },
  },
});
