<?php
// SPDX-License-Identifier: AGPL-3.0-or-later
// Written once into the volume by the image; the values come from the
// environment of the container at each request, the salts from beside it.

function coopkit_env(string $name, string $default): string {
	$value = getenv($name);
	return $value === false || $value === '' ? $default : $value;
}

define('DB_HOST', coopkit_env('WORDPRESS_DB_HOST', 'db'));
define('DB_NAME', coopkit_env('WORDPRESS_DB_NAME', 'wordpress'));
define('DB_USER', coopkit_env('WORDPRESS_DB_USER', 'wordpress'));
define('DB_PASSWORD', coopkit_env('WORDPRESS_DB_PASSWORD', ''));
define('DB_CHARSET', coopkit_env('WORDPRESS_DB_CHARSET', 'utf8mb4'));
define('DB_COLLATE', coopkit_env('WORDPRESS_DB_COLLATE', ''));
$table_prefix = coopkit_env('WORDPRESS_TABLE_PREFIX', 'wp_');

require __DIR__ . '/wp-salts.php';

// The code comes with the image and is patched by Debian; plug-ins and themes
// in wp-content stay the co-op's own business.
define('WP_AUTO_UPDATE_CORE', false);
define('FS_METHOD', 'direct');
define('WP_DEBUG', coopkit_env('WORDPRESS_DEBUG', '') !== '');

// TLS ends at the front door.
if (str_contains($_SERVER['HTTP_X_FORWARDED_PROTO'] ?? '', 'https')) {
	$_SERVER['HTTPS'] = 'on';
}

if (($extra = coopkit_env('WORDPRESS_CONFIG_EXTRA', '')) !== '') {
	eval($extra);
}

if (!defined('ABSPATH')) {
	define('ABSPATH', __DIR__ . '/');
}
require_once ABSPATH . 'wp-settings.php';
