/** Specific heat of dry air, J/(kg·K). */
export const airHeat = 1006;
/** Latent heat of sublimation of ice, J/kg (0 °C). */
export const sublimationHeat = 2.834e6;
/** Latent heat of melting of ice, J/kg. */
export const meltingHeat = 3.337e5;
const standardPressurePa = 101_325;
const gravity = 9.81;

/**
 * Saturation vapour pressure in Pa, over ice below 0 °C and over water above.
 * Magnus form with the coefficients of O. A. Alduchov and R. E. Eskridge, "Improved Magnus form approximation of
 * saturation vapor pressure", J. Appl. Meteor. 35 (1996), eq. 21 and 23; good to 0.4 % from −40 to +50 °C.
 */
export function saturationPressurePa(celsius: number): number {
  return celsius < 0
    ? 611.21 * Math.exp((22.587 * celsius) / (273.86 + celsius))
    : 610.94 * Math.exp((17.625 * celsius) / (243.04 + celsius));
}

/** Humidity ratio in kg water per kg dry air at a relative humidity (0..1) and sea-level pressure. */
export function humidityRatio(celsius: number, relativeHumidity: number): number {
  const vapourPa = relativeHumidity * saturationPressurePa(celsius);
  return (0.622 * vapourPa) / (standardPressurePa - vapourPa);
}

/** Density of dry air in kg/m³ at sea-level pressure (ideal gas, R = 287.05 J/(kg·K)). */
export function airDensity(celsius: number): number {
  return standardPressurePa / (287.05 * (273.15 + celsius));
}

/**
 * Air exchanged through an open doorway by buoyancy alone, m³/s:
 * V = 0.221 A √(gH) √(1 − ρi/ρr) Fm with Fm = (2 / (1 + (ρr/ρi)^⅓))^1.5, i = warm side, r = cold side.
 * W. B. Gosney and H. A.-L. Olama, "Heat and enthalpy gains through cold room doorways", Proc. Inst. Refrigeration 72
 * (1975); the form of ASHRAE Handbook Refrigeration, "Refrigerated-Facility Loads". Symmetric in the two sides.
 */
export function doorwayFlow(widthM: number, heightM: number, insideCelsius: number, outsideCelsius: number): number {
  const first = airDensity(insideCelsius);
  const second = airDensity(outsideCelsius);
  const cold = Math.max(first, second);
  const warm = Math.min(first, second);
  const densityFactor = (2 / (1 + Math.cbrt(cold / warm))) ** 1.5;
  return 0.221 * widthM * heightM * Math.sqrt(gravity * heightM) * Math.sqrt(1 - warm / cold) * densityFactor;
}
