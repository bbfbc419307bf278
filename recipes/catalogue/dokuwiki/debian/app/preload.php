<?php
// SPDX-License-Identifier: AGPL-3.0-or-later
// The wiki's own configuration is in the volume; the package's defaults stay in
// the image, so that an update of the image updates them.

if (!defined('DOKU_CONF')) {
	define('DOKU_CONF', '/storage/conf/');
	global $config_cascade;
	include __DIR__ . '/config_cascade.php';
	foreach ($config_cascade as &$group) {
		foreach (['protected', 'default'] as $level) {
			if (!is_array($group[$level] ?? null)) {
				continue;
			}
			foreach (array_reverse($group[$level]) as $file) {
				$ours = '/etc/dokuwiki/' . basename($file);
				if (str_starts_with($file, DOKU_CONF) && is_file($ours)) {
					array_unshift($group[$level], $ours);
				}
			}
		}
	}
	unset($group);
	$config_cascade['main']['default'][] = '/etc/dokuwiki/coopkit.php';
}
