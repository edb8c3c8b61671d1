export default {
  files: ['test/{integration,e2e,kubernetes,cluster}/**/*.test.ts'],
  extensions: ['ts'],
  timeout: '5m',
};
