"""The one pass that lights a painted picture.

Every pixel's depth and place in the world follow from its surface's plane, so light, shadow, material and haze are
computed for all pixels at once, in linear light, and end as an 8-bit picture with exposure, white balance and noise.
Arrays here have the colour (or X, Y, Z) axis first, (3, H, W): operations with one value per pixel are then fast.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from mmfan.datasets.miniature.render.canvas import OVERSAMPLE, Canvas, SurfaceTable
from mmfan.datasets.miniature.render.day import Light
from mmfan.datasets.miniature.render.textures import GRAINS, TILE, texture_tile
from mmfan.datasets.miniature.render.weather import Weather

FARTHEST = 400.0
"""Depth given to the sky, metres."""


@dataclass(frozen=True)
class Row:
    """The houses along one side of the street, as a screen that casts shadows.

    Args:
        x: Where it stands (X, metres).
        heights: Its height at Z = first, first + 1, ... metres.
        first: Z of the first height.
    """

    x: float
    heights: np.ndarray
    first: float


def render(
    canvas: Canvas, light: Light, rows: tuple[Row, ...], rng: np.random.Generator, weather: Weather | None = None
) -> np.ndarray:
    """Light a painted canvas.

    Args:
        canvas: The finished painting.
        light: Time of day.
        rows: House rows that cast shadows.
        rng: Source of the cloud pattern's place and the sensor noise.
        weather: What lies on the ground and falls; ``light`` is the light under it. None for a clear day.

    Returns:
        The picture, shape (H, W, 3), uint8, RGB.
    """
    index = label_index(canvas)
    table = canvas.surfaces()
    small = cv2.resize(canvas.colour, canvas.camera.size, interpolation=cv2.INTER_AREA)
    # Gamma 2 stands for sRGB: squares and roots are cheap.
    albedo = np.square(_planes(small) * np.float32(1 / 255))
    rays = canvas.camera.rays()
    depth = _depths(table, index)
    place = rays * depth
    place[1] += np.float32(canvas.camera.height)

    albedo *= _grain(table, index, place, depth, canvas.camera.focal)
    if weather is not None:
        weather.cover(albedo, _levelness(table)[index], place, _patches(place))
    lit = albedo * _irradiance(canvas, table, index, place, light, rows)
    if table.glow.any():
        glow = table.glow[index]
        lit += (albedo * np.float32(0.9 / light.exposure) - lit) * glow
    if weather is not None:
        _wet_or_lit(lit, albedo, table, index, place, canvas, weather)
    veil = 1 - np.exp(depth * np.float32(-1 / light.haze))
    lit += (_column(light.horizon * 0.9) - lit) * veil

    sky = index == 0
    offset = rng.uniform(0, TILE, 2)
    rows_with_sky = np.flatnonzero(sky.any(axis=1))
    if len(rows_with_sky):
        end = int(rows_with_sky[-1]) + 1
        np.copyto(lit[:, :end], _sky(rays[:, :end], light, offset), where=sky[:end])
    image = _expose(lit, light, rng)
    return image if weather is None else weather.fall(image)


def _wet_or_lit(
    lit: np.ndarray,
    albedo: np.ndarray,
    table: SurfaceTable,
    index: np.ndarray,
    place: np.ndarray,
    canvas: Canvas,
    weather: Weather,
) -> None:
    """Headlights and wet ground, in place."""
    beam = weather.beam(albedo, place)
    if beam is not None:
        lit += beam
    weather.wet(lit, (table.normal[:, 1] > 0.9)[index], canvas.camera.horizon)


def _levelness(table: SurfaceTable) -> np.ndarray:
    """How much snow a surface holds, (N,) float32, 0 to 1: level ground all, walls none, what is round some."""
    even = ~table.normal.any(axis=1)
    return np.where(even, 0.18, np.clip(table.normal[:, 1] * 1.6 - 0.5, 0, 1)).astype(np.float32)


def _patches(place: np.ndarray) -> np.ndarray:
    """A coarse pattern that lies on the ground, (H, W) float32, 0 to 1."""
    tile = cv2.split(texture_tile())[1]
    looked_up = cv2.remap(
        tile, place[0] * np.float32(14), place[2] * np.float32(14), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    return looked_up.astype(np.float32) * np.float32(1 / 255)


def label_index(canvas: Canvas) -> np.ndarray:
    """The surface number of each output pixel, shape (H, W): one of the painted pixels it is averaged from."""
    start = OVERSAMPLE // 2
    return np.ascontiguousarray(canvas.index[start::OVERSAMPLE, start::OVERSAMPLE])


def _planes(picture: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) as planes (3, H, W), float32."""
    return np.stack(cv2.split(picture)).astype(np.float32)


def _column(colour: np.ndarray) -> np.ndarray:
    """A colour to be combined with planes: shape (3, 1, 1), float32."""
    return colour.astype(np.float32)[:, None, None]


def _depths(table: SurfaceTable, index: np.ndarray) -> np.ndarray:
    """Depth of each pixel in metres, shape (H, W), float32, between 0.5 and FARTHEST."""
    height, width = index.shape
    a, b, c = (np.take(np.ascontiguousarray(table.plane[:, k]), index) for k in range(3))
    u = np.arange(width, dtype=np.float32) + 0.5
    v = (np.arange(height, dtype=np.float32) + 0.5)[:, None]
    # Edge pixels lie half outside their polygon, where a plane may pass its horizon: hence the bounds.
    return 1 / np.clip(a * u + b * v + c, np.float32(1 / FARTHEST), np.float32(2.0))


def _grain(table: SurfaceTable, index: np.ndarray, place: np.ndarray, depth: np.ndarray, focal: float) -> np.ndarray:
    """Brightness factor of the material at each pixel, shape (H, W), float32."""
    scales = np.array([scale for scale, _ in GRAINS.values()], np.float32)
    strengths = np.array([strength for _, strength in GRAINS.values()], np.float32) / 127
    grain = table.grain
    level = (np.abs(table.normal[:, 1]) > 0.7)[index]
    texels = scales[grain][index]
    s = (place[0] + np.where(level, np.float32(0), place[2])) * texels
    t = np.where(level, place[2], -place[1]) * texels
    looked_up = cv2.split(cv2.remap(texture_tile(), s, t, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))
    # Texels much smaller than a pixel would flicker from pixel to pixel; their mean is "no change", so they fade out.
    # The leaf and cloud channels are coarse and may stay longer.
    footprint = depth * texels * np.float32(1 / focal)
    sharp = np.clip(np.float32(1.6) - footprint * np.float32(0.5), 0, 1)
    coarse = np.clip(np.float32(2.0) - footprint * np.float32(0.14), 0, 1)
    factor = np.ones(index.shape, np.float32)
    for channel, (values, fade) in enumerate(zip(looked_up, (sharp, coarse, sharp, coarse), strict=True)):
        strength = np.ascontiguousarray(strengths[grain, channel])
        factor += (values.astype(np.float32) - 128) * np.take(strength, index) * fade
    return factor


def _irradiance(
    canvas: Canvas, table: SurfaceTable, index: np.ndarray, place: np.ndarray, light: Light, rows: tuple[Row, ...]
) -> np.ndarray:
    """Light that falls on each pixel, shape (3, H, W), float32."""
    facing = table.normal @ light.sun.astype(np.float32)
    even = ~table.normal.any(axis=1)
    # Plates that face the camera stand for round things, half of which is lit.
    direct = np.where(even, 0.55, np.clip(facing, 0, None)).astype(np.float32)
    sky_share = np.where(even, 0.8, 0.72 + 0.28 * table.normal[:, 1]).astype(np.float32)
    ground = (table.normal[:, 1] > 0.9)[index]
    shadow = cv2.GaussianBlur(canvas.cast, (0, 0), 0.8).astype(np.float32) * np.float32(1 / 255) * ground
    if light.sun_colour.max() > 0.2:
        for row in rows:
            np.maximum(shadow, _row_shadow(row, place, light.sun), out=shadow)
    contact = cv2.GaussianBlur(canvas.contact, (0, 0), 1.2).astype(np.float32) * np.float32(0.75 / 255)
    occlusion = 1 - contact * ground
    sun = direct[index] * (1 - shadow) * occlusion
    sky = sky_share[index] * occlusion
    return sun * _column(light.sun_colour) + sky * _column(light.ambient)


def _row_shadow(row: Row, place: np.ndarray, sun: np.ndarray) -> np.ndarray:
    """Shadow of a house row on each place, shape (H, W), float32, 0 to 1: follow the ray to the sun up to the row."""
    if abs(sun[0]) < 0.05 or (sun[0] > 0) != (row.x > 0):
        return np.zeros(place.shape[1:], np.float32)
    reach = (np.float32(row.x) - place[0]) * np.float32(1 / sun[0])
    along = place[2] + reach * np.float32(sun[2])
    above = place[1] + reach * np.float32(sun[1])
    cell = np.clip(along - np.float32(row.first), 0, len(row.heights) - 1).astype(np.int32)
    top = np.take(row.heights.astype(np.float32), cell)
    # The edge widens with the distance to what casts it.
    softness = np.float32(0.05) + np.float32(0.012) * np.abs(reach)
    return np.clip((top - above) / softness + np.float32(0.5), 0, 1) * (reach > 0.15)


def _sky(rays: np.ndarray, light: Light, offset: np.ndarray) -> np.ndarray:
    """Colour of the sky in each direction, shape (3, H, W), linear RGB float32."""
    up = np.maximum(rays[1], 0)
    blend = up / (up + np.float32(0.28))
    horizon, zenith = _column(light.horizon), _column(light.zenith)
    colour = horizon + (zenith - horizon) * blend
    # Clouds hang on a level plane: they grow thinner towards the horizon.
    reach = np.float32(70) / (up + np.float32(0.14))
    s = rays[0] * reach + np.float32(offset[0])
    t = rays[2] * reach + np.float32(offset[1])
    pattern = cv2.split(cv2.remap(texture_tile(), s, t, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))
    thick = pattern[1].astype(np.float32) * np.float32(1 / 255)
    thick += pattern[3].astype(np.float32) * np.float32(0.06 / 255) - np.float32(0.03)
    cover = np.clip((thick - np.float32(0.80 - 0.55 * light.clouds)) * 5, 0, 1)
    cover *= np.clip(up * 9 + np.float32(0.25), 0, 1) * np.float32(0.85)
    white = _column(light.ambient * 1.5 + light.sun_colour * 0.35 + light.horizon * 0.25)
    colour += ((np.float32(0.45) + np.float32(0.55) * thick) * white - colour) * cover
    x, y, z = (np.float32(part) for part in light.sun)
    towards = (rays[0] * x + rays[1] * y + rays[2] * z) / np.sqrt(np.square(rays).sum(axis=0))
    halo = np.exp((towards - 1) * 14) * np.float32(0.55) + np.exp((towards - 1) * 400) * 3
    return colour + halo * _column(light.sun_colour)


def _expose(lit: np.ndarray, light: Light, rng: np.random.Generator) -> np.ndarray:
    """Tone curve, white balance and noise: linear RGB planes to an 8-bit picture, shape (H, W, 3)."""
    planes = np.sqrt(1 - np.exp(lit * _column(-1.75 * light.exposure * light.balance))) * np.float32(255)
    # Sensor noise is mostly brightness, a little colour, which is coarser.
    height, width = lit.shape[1:]
    grain = rng.standard_normal((height, width), np.float32)
    tints = rng.standard_normal((3, (height + 1) // 2, (width + 1) // 2), np.float32)
    for plane, tint in zip(planes, tints, strict=True):
        coarse = cv2.resize(tint, (width, height), interpolation=cv2.INTER_LINEAR)
        plane += (grain + np.float32(0.5) * coarse) * np.float32(light.noise)
    # A merge converts and rounds; values beyond the range saturate.
    return cv2.merge([cv2.convertScaleAbs(np.maximum(plane, 0)) for plane in planes])
